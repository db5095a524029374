//! Orders of playbooks, held against what is asked: who and what is blocked, throttled, put before a person, or judged more
//! strictly.
//!
//! The file of orders ([`OrderStore`]) is looked at again when it has changed, once a second at
//! most. While it cannot be read, what it said last holds: a damaged file lifts no block.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::actions::{Measure, Order, OrderStore, SubjectKind};
use castellan_base::Ticks;

/// How often the file is looked at.
const EVERY: Duration = Duration::from_secs(1);
/// Minutes in which requests are counted.
const MINUTE: Duration = Duration::from_mins(1);

/// What is asked, by what orders name.
pub type Asked<'a> = Vec<(SubjectKind, &'a str)>;

/// What orders say of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// It does not pass.
    Denied {
        /// `order_block`, `order_throttle` or `order_approval`.
        word: &'static str,
        /// Whom the order is about, why, and until when.
        message: String,
        /// The order's id.
        order: String,
    },
    /// It passes where the guardrails find nothing from this severity on, 0 to 7.
    Stricter {
        /// The severity.
        severity: u8,
    },
}

/// Orders that hold.
#[derive(Debug)]
pub struct Orders {
    store: OrderStore,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    looked: Option<Instant>,
    generation: Option<u64>,
    orders: BTreeMap<(SubjectKind, String), Vec<Order>>,
    /// Requests of this minute, by the order that counts them.
    counted: BTreeMap<String, (Instant, u64)>,
    problem: Option<String>,
}

impl Orders {
    /// Orders of a store.
    pub fn new(store: OrderStore) -> Orders {
        Orders { store, held: Mutex::default() }
    }

    /// Where orders are kept.
    pub fn store(&self) -> &OrderStore {
        &self.store
    }

    /// Looks at the file at the next request, however short a time ago it was looked at: for whoever has just changed it.
    pub fn look_again(&self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).looked = None;
    }

    /// Why the orders cannot be read now; what they said last holds meanwhile.
    pub fn problem(&self) -> Option<String> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).problem.clone()
    }

    /// Whether an order names a subject of this kind. What it takes work to name need not be named otherwise.
    pub fn name_any(&self, kind: SubjectKind, now: Ticks) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.look(&self.store, now);
        held.orders.keys().any(|(known, _)| *known == kind)
    }

    /// What orders say at a time. Blocks go before approvals, these before throttles, which count what is a request.
    pub fn ruling(&self, asked: &Asked<'_>, is_request: bool, now: Ticks) -> Option<Ruling> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.look(&self.store, now);
        let mut found: Vec<Order> = Vec::new();
        for (kind, subject) in asked {
            let own = held.orders.get(&(*kind, subject.to_ascii_lowercase()));
            found.extend(own.into_iter().flatten().filter(|order| order.holds(now)).cloned());
        }
        found.sort_by_key(|order| rank(&order.measure));
        let mut stricter = None;
        for order in found {
            match order.measure {
                Measure::Block => return Some(denied("order_block", "is blocked", &order)),
                Measure::RequireApproval => {
                    return Some(denied("order_approval", "may act only once a person has agreed", &order));
                }
                Measure::Throttle { per_minute } if is_request && !held.passes(&order.id, per_minute) => {
                    let what = format!("may ask {per_minute} times a minute");
                    return Some(denied("order_throttle", &what, &order));
                }
                Measure::Throttle { .. } => {}
                Measure::Tighten { ref level, .. } => {
                    let severity = severity(level);
                    stricter = Some(stricter.map_or(severity, |known: u8| known.min(severity)));
                }
            }
        }
        stricter.map(|severity| Ruling::Stricter { severity })
    }
}

impl Held {
    /// Reads the file again where it is time and it has changed.
    fn look(&mut self, store: &OrderStore, now: Ticks) {
        if self.looked.is_some_and(|looked| looked.elapsed() < EVERY) {
            return;
        }
        self.looked = Some(Instant::now());
        let newer = match self.generation {
            Some(generation) => store.since(generation, now),
            None => store.holding(now).map(Some),
        };
        match newer {
            Ok(newer) => {
                self.problem = None;
                if let Some((generation, orders)) = newer {
                    self.take(generation, orders);
                }
            }
            Err(error) => self.problem = Some(error.to_string()),
        }
    }

    fn take(&mut self, generation: u64, orders: Vec<Order>) {
        self.generation = Some(generation);
        self.orders.clear();
        self.counted.retain(|id, _| orders.iter().any(|order| order.id == *id));
        for order in orders {
            let subject = (order.kind, order.subject.to_ascii_lowercase());
            self.orders.entry(subject).or_default().push(order);
        }
    }

    /// Counts a request; false when there were too many within a minute.
    fn passes(&mut self, order: &str, per_minute: u64) -> bool {
        let now = Instant::now();
        let (since, count) = self.counted.entry(order.to_owned()).or_insert((now, 0));
        if now.duration_since(*since) >= MINUTE {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        *count <= per_minute
    }
}

fn rank(measure: &Measure) -> u8 {
    match measure {
        Measure::Block => 0,
        Measure::RequireApproval => 1,
        Measure::Throttle { .. } => 2,
        Measure::Tighten { .. } => 3,
    }
}

/// The least severity that is blocked; a word that is not known is as strict as can be.
fn severity(level: &str) -> u8 {
    match level {
        "medium" => 4,
        "high" => 6,
        _ => 2,
    }
}

fn denied(word: &'static str, what: &str, order: &Order) -> Ruling {
    let until = order.expires.map(|expires| format!(" until {expires}")).unwrap_or_default();
    let message = format!("the {} `{}` {what}{until}: {}", order.kind.as_str(), order.subject, order.reason);
    Ruling::Denied { word, message, order: order.id.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(id: &str, measure: Measure, kind: SubjectKind, subject: &str) -> Order {
        let given = "2026-11-21T10:00:00Z".parse().unwrap();
        let expires = "2026-11-21T12:00:00Z".parse().ok();
        Order {
            id: id.into(),
            measure,
            kind,
            subject: subject.into(),
            reason: "jailbreaks".into(),
            given,
            expires,
        }
    }

    fn now() -> Ticks {
        "2026-11-21T11:00:00Z".parse().unwrap()
    }

    fn orders(list: &[Order]) -> (tempfile::TempDir, Orders) {
        let folder = tempfile::tempdir().unwrap();
        let store = OrderStore::new(folder.path().join("orders.json"));
        list.iter().for_each(|order| store.give(order).unwrap());
        (folder, Orders::new(store))
    }

    #[test]
    fn a_block_holds_for_its_subject_and_its_time() {
        let (_folder, orders) = orders(&[order("o1", Measure::Block, SubjectKind::Agent, "Berth-Desk")]);
        let of = |agent: &'static str, now| orders.ruling(&vec![(SubjectKind::Agent, agent)], true, now);
        let Some(Ruling::Denied { word, message, order }) = of("berth-desk", now()) else {
            panic!("not denied")
        };
        assert_eq!((word, order.as_str()), ("order_block", "o1"));
        assert!(message.contains("jailbreaks") && message.contains("2026-11-21T12:00:00"), "{message}");
        assert_eq!(of("other", now()), None);
        assert_eq!(of("berth-desk", "2026-11-21T12:00:00Z".parse().unwrap()), None, "it has ended");
    }

    #[test]
    fn throttles_count_and_blocks_go_first() {
        let throttle = order("t", Measure::Throttle { per_minute: 2 }, SubjectKind::Agent, "a");
        let (_folder, held) = orders(std::slice::from_ref(&throttle));
        let asked = vec![(SubjectKind::Agent, "a")];
        let ruled: Vec<bool> = (0..4).map(|_| held.ruling(&asked, true, now()).is_some()).collect();
        assert_eq!(ruled, [false, false, true, true]);
        let block = order("b", Measure::Block, SubjectKind::Tool, "shell");
        let (_folder, held) = orders(&[throttle, block]);
        let both = vec![(SubjectKind::Agent, "a"), (SubjectKind::Tool, "shell")];
        assert!(matches!(held.ruling(&both, true, now()), Some(Ruling::Denied { word: "order_block", .. })));
    }

    #[test]
    fn the_strictest_level_holds() {
        let tighten = |id: &str, level: &str| {
            let measure = Measure::Tighten { guardrail: "all".into(), level: level.into() };
            order(id, measure, SubjectKind::Model, "gpt")
        };
        let (_folder, orders) = orders(&[tighten("1", "high"), tighten("2", "low")]);
        let ruling = orders.ruling(&vec![(SubjectKind::Model, "GPT")], true, now());
        assert_eq!(ruling, Some(Ruling::Stricter { severity: 2 }));
    }

    #[test]
    fn kinds_of_subjects_that_orders_name() {
        let (folder, orders) = orders(&[order("o1", Measure::Block, SubjectKind::Agent, "a")]);
        assert!(orders.name_any(SubjectKind::Agent, now()) && !orders.name_any(SubjectKind::Prompt, now()));
        let store = OrderStore::new(folder.path().join("orders.json"));
        store.give(&order("o2", Measure::Block, SubjectKind::Prompt, "p")).unwrap();
        orders.held.lock().unwrap().looked = None;
        assert!(orders.name_any(SubjectKind::Prompt, now()));
    }

    #[test]
    fn a_damaged_file_lifts_nothing() {
        let (folder, orders) = orders(&[order("o1", Measure::Block, SubjectKind::Agent, "a")]);
        let asked = vec![(SubjectKind::Agent, "a")];
        assert!(orders.ruling(&asked, true, now()).is_some());
        std::fs::write(folder.path().join("orders.json"), "{").unwrap();
        orders.held.lock().unwrap().looked = None;
        assert!(orders.ruling(&asked, true, now()).is_some() && orders.problem().is_some());
    }
}
