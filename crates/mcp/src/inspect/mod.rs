//! Every text of a message, with its place, so that it can be scanned, and edited where it stands.
//!
//! One walk goes over the whole tree, whatever the message is, so there is no member that is forgotten. *Invariant
//! (unscanned is a verdict):* every string, member name and longer number of a message is a part, or is listed as
//! unscanned with the reason, or is one of the protocol's own words. Images and other binary content that turn out to be
//! text are given as text.
//!
//! ```
//! use castellan_mcp::inspect::{From, apply, inspect};
//! use castellan_mcp::message::{Message, Method};
//!
//! let bytes = br#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"key: s3cr\u0065t"}]}}"#;
//! let message = Message::parse(bytes, &Default::default()).unwrap();
//! let inspection = inspect(&message, From::Server, Some(Method::ToolsCall));
//! let part = inspection.parts.iter().find(|part| part.text.contains("s3cret")).unwrap();
//! assert_eq!(part.path, "/result/content/0/text");
//! let edit = part.edit(vec![(5..11, "[removed]".to_owned())]);
//! let edited = apply(bytes, &[edit], &Default::default()).unwrap();
//! assert!(String::from_utf8(edited).unwrap().contains(r#""text":"key: [removed]"}"#));
//! ```

mod edit;
mod walk;

use std::borrow::Cow;

use serde::Serialize;

use crate::hidden::{self, Class, Hidden};
use crate::json::Span;

pub use edit::{Edit, EditError, apply};
pub use walk::{inspect, inspect_definition};

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum From {
    /// The client: its user, its model.
    Client,
    /// The server, or whoever wrote what it returns.
    Server,
}

/// What a text is, at which point of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Point {
    /// Of a definition of a tool, prompt or resource, its schemas included.
    Definition,
    /// What a server says of itself and how it is to be used.
    Instructions,
    /// Arguments of a call.
    Arguments,
    /// The result of a tool.
    Result,
    /// A prompt that a server gives.
    Prompt,
    /// A resource's contents.
    Resource,
    /// Suggestions for an argument.
    Completion,
    /// What a server asks the client's user.
    Elicitation,
    /// What the user answers.
    ElicitationAnswer,
    /// What a server asks the client's model.
    Sampling,
    /// What the model answers.
    SamplingAnswer,
    /// The client's folders.
    Roots,
    /// An error.
    Error,
    /// Progress, log messages and other notifications.
    Notification,
    /// `_meta`, names and versions of programs, members that the protocol does not have.
    Metadata,
    /// Cursors, ids and states that only who made them reads. Scan them; an edit would break them.
    Opaque,
}

/// How a text stands in the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// A string.
    Text,
    /// The name of a member.
    Key,
    /// A number of seven digits or more, as it was written. An edit makes a string of it.
    Number,
    /// Base64 of a text.
    Base64,
}

/// One text.
#[derive(Clone, Debug, PartialEq)]
pub struct Part<'a> {
    /// The text itself, escapes and Base64 resolved.
    pub text: Cow<'a, str>,
    /// JSON pointer to it; for the name of a member, to the member.
    pub path: String,
    /// Where it stands in the message's bytes, quotes included.
    pub span: Span,
    /// How it stands there.
    pub form: Form,
    /// What it is.
    pub point: Point,
    /// Who wrote it.
    pub from: From,
}

impl Part<'_> {
    /// An edit that replaces these ranges of the text, given in order.
    #[must_use]
    pub fn edit(&self, replacements: Vec<(std::ops::Range<usize>, String)>) -> Edit {
        Edit { span: self.span, form: self.form, replacements }
    }

    /// An edit that replaces the whole text.
    #[must_use]
    pub fn replace(&self, with: &str) -> Edit {
        self.edit(vec![(0..self.text.len(), with.to_owned())])
    }

    /// The characters in it that are not seen.
    #[must_use]
    pub fn hidden(&self) -> Vec<Hidden> {
        hidden::find(&self.text)
    }
}

/// What nobody looked at, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unscanned {
    /// JSON pointer to it.
    pub path: String,
    /// What it says that it is.
    pub media: String,
    /// How long it is, in bytes of the message.
    pub bytes: usize,
    /// Why it was not scanned.
    pub reason: &'static str,
}

/// All that is in a message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inspection<'a> {
    /// The texts, in the order in which they stand.
    pub parts: Vec<Part<'a>>,
    /// What is no text.
    pub unscanned: Vec<Unscanned>,
}

impl Inspection<'_> {
    /// Edits that take hidden characters of these classes out of every text.
    #[must_use]
    pub fn strip(&self, classes: &[Class]) -> Vec<Edit> {
        let cut = |part: &Part<'_>| {
            // Taking a run away may make another one, so the whole text is compared and replaced run by run or at once.
            let found: Vec<_> =
                part.hidden().into_iter().filter(|hidden| classes.contains(&hidden.class)).collect();
            if found.is_empty() {
                return None;
            }
            let once = found.iter().map(|hidden| (hidden.range.clone(), String::new())).collect();
            let stripped = hidden::strip(&part.text, classes)?;
            let length: usize = found.iter().map(|hidden| hidden.range.len()).sum();
            let is_whole = part.text.len() - length == stripped.len();
            Some(if is_whole { part.edit(once) } else { part.replace(&stripped) })
        };
        self.parts.iter().filter_map(cut).collect()
    }

    /// The classes of hidden characters that occur anywhere.
    #[must_use]
    pub fn hidden_classes(&self) -> Vec<Class> {
        let all = self.parts.iter().flat_map(|part| part.hidden().into_iter().map(|hidden| hidden.class));
        let set: std::collections::BTreeSet<Class> = all.collect();
        set.into_iter().collect()
    }
}
