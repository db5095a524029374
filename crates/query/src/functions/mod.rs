//! Values of rows as expressions of DataFusion.
//!
//! What DataFusion computes exactly as the language does is left to it, so that its optimizer can see through it. The
//! rest are functions of our own: [`row`] runs any value of the language a row at a time, and kernels run the frequent
//! ones an array at a time. All are held to the plain evaluator by a property test.

pub mod address;
mod distinct;
pub mod dynamic;
pub mod extract;
pub mod kernel;
pub mod nan;
pub mod real;
pub mod row;
pub mod text;
pub mod text_test;
pub mod time;
