//! The gate: how it stands, its keys, the orders that it keeps to, and what it would do with a text.

mod keys;
mod orders;
mod trial;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use castellan_gateway::Gate;
use castellan_gateway::view::View;

use super::failure::Failure;
use super::request::Request;

/// A gate that is open, and where.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The gate.
    pub gate: Arc<Gate>,
    /// Where it listens, with the port that was given.
    pub address: SocketAddr,
}

fn nothing() -> Failure {
    Failure::missing("no gate is open here; start the server with `--gate FILE`")
}

impl Request {
    fn opened(&self) -> Result<Arc<Gate>, Failure> {
        self.console.opened.as_ref().map(|opened| Arc::clone(&opened.gate)).ok_or_else(nothing)
    }

    pub(super) fn get_gate(self) -> Response {
        let console = &self.console;
        let mut view = match &console.opened {
            Some(opened) => View { listen: Some(opened.address.to_string()), ..opened.gate.view() },
            None => View { record: "none", ..View::default() },
        };
        view.orders = console.orders().is_some();
        axum::Json(view).into_response()
    }
}
