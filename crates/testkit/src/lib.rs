//! Test servers and fixtures.
