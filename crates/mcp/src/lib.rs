//! The Model Context Protocol as a secure proxy sees it: messages, pins, inspection, taint.
