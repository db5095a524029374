//! Why a query has no answer.

use axum::http::StatusCode;
use castellan_query::Error;

use crate::Refusal;

/// Why there is no answer. Each face says it in its own words.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The request cannot be taken.
    Refused(Refusal),
    /// The query is wrong, or reached a limit.
    Query(Error),
    /// Its text has more bytes than this.
    TooLong { most: usize },
    /// Other queries take all turns.
    Busy,
}

/// What kind of error it is, as clients tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The text is no query.
    Syntax,
    /// It is one, and names or types do not fit.
    Semantic,
    /// It took too long.
    Time,
    /// It needed too much.
    Resources,
    /// The request itself is wrong.
    Request,
    /// It does not work here.
    Internal,
    /// There is no turn for it now.
    Busy,
}

/// Codes of the parser; the others of the language are of the binder.
const SYNTAX: [&str; 11] = [
    "unexpected-token",
    "unknown-character",
    "unclosed-string",
    "unknown-operator",
    "unknown-unit",
    "unknown-comparison",
    "assignment",
    "empty-operator",
    "no-call",
    "several-values",
    "too-long",
];

impl Fault {
    /// A fault of the request.
    pub(crate) fn bad(message: impl Into<String>) -> Fault {
        Fault::Refused(Refusal::bad(message))
    }

    /// What kind it is.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Fault::Refused(refusal) if refusal.status() == StatusCode::SERVICE_UNAVAILABLE => Kind::Busy,
            Fault::Refused(refusal) if refusal.status().is_server_error() => Kind::Internal,
            Fault::Refused(_) | Fault::TooLong { .. } => Kind::Request,
            Fault::Busy => Kind::Busy,
            Fault::Query(error) => match error.code {
                "stopped" => Kind::Time,
                "out-of-memory" | "too-many-rows" | "too-many-bytes" | "too-large" | "too-deep" => {
                    Kind::Resources
                }
                "engine" | "access" => Kind::Internal,
                code if SYNTAX.contains(&code) => Kind::Syntax,
                _ => Kind::Semantic,
            },
        }
    }

    /// The status of HTTP for it.
    pub(crate) fn status(&self) -> StatusCode {
        match (self, self.kind()) {
            (Fault::Refused(refusal), _) => refusal.status(),
            (_, Kind::Time) => StatusCode::GATEWAY_TIMEOUT,
            (_, Kind::Busy) => StatusCode::TOO_MANY_REQUESTS,
            (_, Kind::Internal) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// What is wrong and what to do.
    pub(crate) fn message(&self) -> String {
        match self {
            Fault::Refused(refusal) => refusal.message().to_owned(),
            // What a role says is nothing for those who ask.
            Fault::Query(error) if error.code == "access" => {
                "what may be seen here is not set up rightly; ask who runs this server".to_owned()
            }
            Fault::Query(error) => error.to_string(),
            Fault::TooLong { most } => {
                format!("the query has more than {most} bytes; put long lists into a table")
            }
            Fault::Busy => "too many queries are running; try again in a while".to_owned(),
        }
    }

    /// The same for those who may not see all: what the engine says of its plans may name what is hidden.
    pub(crate) fn discreet(self) -> Fault {
        match self {
            Fault::Query(error) if error.code == "engine" => {
                Fault::Query(Error::new("engine", "the query failed in the engine; write it in another way"))
            }
            other => other,
        }
    }

    /// A word for programs, where there is one.
    pub(crate) fn code(&self) -> Option<&'static str> {
        match self {
            Fault::Query(error) => Some(error.code),
            Fault::TooLong { .. } => Some("too-long"),
            Fault::Busy => Some("busy"),
            Fault::Refused(_) => None,
        }
    }

    /// Where in the query it is.
    pub(crate) fn span(&self) -> Option<castellan_kql::Span> {
        match self {
            Fault::Query(error) => error.span,
            _ => None,
        }
    }

    /// Line and column in the query where it is, both from 1, and the text there.
    pub(crate) fn place<'q>(&self, query: &'q str) -> Option<(usize, usize, &'q str)> {
        let Fault::Query(Error { span: Some(span), .. }) = self else { return None };
        let (line, column) = span.line_and_column(query);
        Some((line, column, span.text(query)))
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Fault {
        Fault::Refused(refusal)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        Fault::Query(error)
    }
}
