//! What models, agents and tools did, out of spans and events that follow a convention for it.
//!
//! The GenAI conventions of OpenTelemetry come in two generations: content in span events and log events
//! (`gen_ai.user.message`, `gen_ai.choice`), and content in attributes (`gen_ai.input.messages`). OpenInference, the
//! dialect of Traceloop and that of the Vercel AI SDK say the same in other words. Which attribute and which event fills
//! which column is data: `content/genai/attributes.jsonl` and `content/genai/events.jsonl`, one JSON object a line, each
//! with an example that fills the column and one that must not.
//!
//! # A line of `attributes.jsonl`
//!
//! | member | |
//! |---|---|
//! | `attribute` | its name; one that ends in `.*` takes all attributes below as one list (`llm.input_messages.0.message.role`) |
//! | `column` | `TABLE.COLUMN`; of two lines for one column, the earlier counts. Absent: the attribute is a sign of GenAI alone |
//! | `form` | `text`, `long`, `real`, `array`, `list`, or `bag`: kept under its own name in a dynamic column |
//! | `when` | conditions that all hold: `key`, `!key`, `key=value`, `key!=value` |
//! | `member` | the value is an object as text, and this member of it is meant |
//! | `map` | texts by value; one that is not in it fills nothing |
//! | `drop` | names between the numbers of a flattened list that say nothing |
//! | `moves` | the attribute holds content: a marker replaces it in the span or log |
//! | `weak` | counts beside others and is no sign of GenAI itself |
//! | `positive`, `gives`, `negative` | attributes that fill the column, with what, and such that must not |

mod flattened;
mod rows;
mod rules;
mod scan;

pub(crate) use rows::Record;
pub use rules::{Condition, EventRule, Form, Rule, Rules, RulesError};
pub(crate) use scan::Found;
