//! The Azure Policy language, three-valued, with a trace.
