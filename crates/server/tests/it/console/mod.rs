//! The console: who may what, what pages may do, and whether answers are what `docs/api/openapi.yaml` says.

mod document;
mod events;
mod gate;
mod matrix;
mod oidc;
mod pages;
mod parts;
mod queries;
mod schemathesis;
mod sessions;
mod site;
mod story;
