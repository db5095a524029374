//! Orders: who and what is blocked, slowed down, or judged more strictly.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use castellan_base::Ticks;
use castellan_respond::actions::{Measure, Order, OrderError, OrderStore, SubjectKind};
use serde::{Deserialize, Serialize};

use crate::console::Inner;
use crate::console::failure::Failure;
use crate::console::request::{Caller, Request};
use crate::console::time;

/// The longest subject in bytes, and the longest reason in characters.
const LONGEST_SUBJECT: usize = 4_096;
const LONGEST_REASON: usize = 1_000;
/// Guardrails and levels of `tighten`.
const GUARDRAILS: [&str; 4] = ["prompt-attacks", "protected-texts", "sensitive-data", "all"];
const LEVELS: [&str; 3] = ["low", "medium", "high"];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    id: String,
    measure: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    per_minute: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guardrail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<String>,
    kind: SubjectKind,
    subject: String,
    reason: String,
    given: Ticks,
    expires: Option<Ticks>,
}

impl Told {
    fn of(order: Order) -> Told {
        let measure = order.measure.as_str();
        let (per_minute, guardrail, level) = match order.measure {
            Measure::Throttle { per_minute } => (Some(per_minute), None, None),
            Measure::Tighten { guardrail, level } => (None, Some(guardrail), Some(level)),
            Measure::Block | Measure::RequireApproval => (None, None, None),
        };
        Told {
            id: order.id,
            measure,
            per_minute,
            guardrail,
            level,
            kind: order.kind,
            subject: order.subject,
            reason: order.reason,
            given: order.given,
            expires: order.expires,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Asked {
    measure: String,
    #[serde(default)]
    per_minute: Option<u64>,
    #[serde(default)]
    guardrail: Option<String>,
    #[serde(default)]
    level: Option<String>,
    kind: SubjectKind,
    subject: String,
    reason: String,
    #[serde(default, with = "time::optional")]
    until: Option<Ticks>,
}

impl Asked {
    fn measure(&self) -> Result<Measure, Failure> {
        let one_of = |name: &str, value: Option<&String>, known: &[&str]| {
            let value = value.map(String::as_str).unwrap_or_default();
            if known.contains(&value) {
                return Ok(value.to_owned());
            }
            Err(Failure::bad(format!("`{name}` is one of {}", known.join(", "))))
        };
        match self.measure.as_str() {
            "block" => Ok(Measure::Block),
            "require-approval" => Ok(Measure::RequireApproval),
            "throttle" => {
                let missing = || Failure::bad("`perMinute` has to say how many requests a minute pass");
                Ok(Measure::Throttle { per_minute: self.per_minute.ok_or_else(missing)? })
            }
            "tighten" => Ok(Measure::Tighten {
                guardrail: one_of("guardrail", self.guardrail.as_ref(), &GUARDRAILS)?,
                level: one_of("level", self.level.as_ref(), &LEVELS)?,
            }),
            _ => Err(Failure::bad("`measure` is one of block, throttle, require-approval, tighten")),
        }
    }

    fn order(self, by: &str, now: Ticks) -> Result<Order, Failure> {
        let measure = self.measure()?;
        let subject = self.subject.trim().to_owned();
        if subject.is_empty() || subject.len() > LONGEST_SUBJECT {
            return Err(Failure::bad(format!(
                "`subject` has to name one, in at most {LONGEST_SUBJECT} bytes"
            )));
        }
        let reason = self.reason.trim();
        if reason.is_empty() || reason.chars().count() > LONGEST_REASON {
            return Err(Failure::bad(format!(
                "`reason` has to say why, in at most {LONGEST_REASON} characters"
            )));
        }
        if self.until.is_some_and(|until| until <= now) {
            return Err(Failure::bad("`until` lies in the past; name a time ahead"));
        }
        Ok(Order {
            id: format!("console-{}", uuid::Uuid::now_v7()),
            measure,
            kind: self.kind,
            subject,
            reason: format!("{reason} (by {by})"),
            given: now,
            expires: self.until,
        })
    }
}

impl From<OrderError> for Failure {
    fn from(error: OrderError) -> Failure {
        match error {
            OrderError::TooLong => Failure::bad(error.to_string()),
            OrderError::TooMany | OrderError::TooLarge => Failure::conflict(error.to_string()),
            _ => Failure::failed(error.to_string()),
        }
    }
}

impl Inner {
    /// Where orders are kept.
    pub(in crate::console) fn orders(&self) -> Option<OrderStore> {
        let of_gate = self.opened.as_ref().and_then(|opened| opened.gate.orders());
        of_gate.map(|orders| orders.store().clone()).or_else(|| self.order_store.clone())
    }

    /// Has the gate look at what was changed.
    fn tell_gate(&self) {
        if let Some(orders) = self.opened.as_ref().and_then(|opened| opened.gate.orders()) {
            orders.look_again();
        }
    }
}

impl Request {
    fn orders(&self) -> Result<OrderStore, Failure> {
        let nothing = || {
            Failure::conflict(
                "orders are not kept here; name `orders` in `[gate]` of the gate's configuration",
            )
        };
        self.console.orders().ok_or_else(nothing)
    }

    pub(in crate::console) async fn list_orders(self) -> Result<Response, Failure> {
        #[derive(Default, Serialize)]
        struct List {
            orders: Vec<Told>,
            generation: u64,
        }
        let Some(store) = self.console.orders() else {
            return Ok(axum::Json(List::default()).into_response());
        };
        let now = self.console.now();
        self.told(move || {
            let (generation, orders) = store.holding(now)?;
            Ok(List { orders: orders.into_iter().map(Told::of).collect(), generation })
        })
        .await
    }

    pub(in crate::console) async fn give_order(self, caller: &Caller) -> Result<Response, Failure> {
        let (store, by) = (self.orders()?, caller.name.clone());
        let (request, asked) = self.body::<Asked>().await?;
        let order = asked.order(&by, request.console.now())?;
        let given = order.clone();
        request.console.gate.aside(move || store.give(&given).map_err(Failure::from)).await?;
        request.console.tell_gate();
        Ok((StatusCode::CREATED, axum::Json(Told::of(order))).into_response())
    }

    pub(in crate::console) async fn lift_order(self) -> Result<Response, Failure> {
        let (store, id) = (self.orders()?, self.part(0));
        let missing = format!("no order `{id}` holds; it may have ended, or somebody took it back");
        let was_there = self.console.gate.aside(move || store.lift(&id).map_err(Failure::from)).await?;
        self.console.tell_gate();
        if !was_there {
            return Err(Failure::missing(missing));
        }
        Ok(StatusCode::NO_CONTENT.into_response())
    }
}
