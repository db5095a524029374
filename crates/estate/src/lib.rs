//! Collects resources from files and live subscriptions and relates them.

pub mod live;
