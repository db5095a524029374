//! The lake as its users have it: rows go in, queries see them, processes end and begin again.

mod clock;
mod derived;
mod faults;
mod files;
mod follow;
mod hostile;
mod killed;
mod marks;
mod readers;
mod rows;
mod streams;
mod support;
mod tables;
mod torture;
