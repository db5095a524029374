//! Playbooks of any shape, crashes at any line: each action is done once, and what is undone is undone once.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use castellan_respond::actions::{
    Action, ActionError, ActionSpec, Call, Catalogue, InputSpec, Outputs, Probe, Undo,
};
use castellan_respond::playbook::extension;
use castellan_respond::run::{Folder, Journal, Runner, Start, State, Status, Storage, load};
use castellan_testkit::MemorySystem;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::support::{go_on, id, library, playbook};

/// What was done and undone, and whom it went wrong for.
#[derive(Debug, Default)]
struct World {
    done: BTreeMap<String, usize>,
    undone: BTreeMap<String, usize>,
    /// Names whose answer is lost the first time.
    lost: BTreeSet<String>,
    /// Names that are refused the first time.
    refused: BTreeSet<String>,
}

const SPEC: ActionSpec = ActionSpec {
    name: "test.do",
    summary: "does something that can be counted",
    inputs: &[InputSpec { name: "name", required: true, help: "what" }],
    outputs: &[],
    undo: Undo::Restores("it is taken back"),
    probe: "it is there",
    permission: "",
};

struct Counted(Arc<Mutex<World>>);

impl Action for Counted {
    fn spec(&self) -> &ActionSpec {
        &SPEC
    }
    fn target(&self, call: &Call<'_>) -> String {
        call.shown("name")
    }
    fn change(&self, _: &Call<'_>) -> String {
        "it is done".to_owned()
    }
    fn prepare(&self, _: &Call<'_>) -> Result<Value, ActionError> {
        Ok(Value::Null)
    }
    fn perform(&self, call: &Call<'_>, _: &Value) -> Result<Outputs, ActionError> {
        let name = call.text("name")?;
        let mut world = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if name == "fails" {
            return Err(ActionError::refused("it never works"));
        }
        if world.refused.remove(&name) {
            return Err(ActionError::for_now("not now"));
        }
        *world.done.entry(call.path.to_owned()).or_default() += 1;
        if world.lost.remove(&name) {
            return Err(ActionError::perhaps("no answer"));
        }
        Ok(Outputs::new())
    }
    fn probe(&self, call: &Call<'_>, _: &Value) -> Result<Probe, ActionError> {
        let world = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |of: &BTreeMap<String, usize>| of.get(call.path).copied().unwrap_or(0);
        Ok(if count(&world.done) > count(&world.undone) {
            Probe::InEffect(Outputs::new())
        } else {
            Probe::NotInEffect("not there".to_owned())
        })
    }
    fn undo(&self, call: &Call<'_>, _: &Value) -> Result<(), ActionError> {
        let mut world = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *world.undone.entry(call.path.to_owned()).or_default() += 1;
        Ok(())
    }
}

/// The shape of a sequence.
#[derive(Clone, Debug)]
enum Shape {
    Do,
    Each(usize),
    If(bool, Vec<Shape>),
    Side(Vec<Shape>, Vec<Shape>),
    Wait,
}

fn shapes() -> impl Strategy<Value = Vec<Shape>> {
    let leaf = prop_oneof![
        4 => Just(Shape::Do),
        1 => (1_usize..4).prop_map(Shape::Each),
        1 => Just(Shape::Wait),
    ];
    let shape = leaf.prop_recursive(3, 12, 3, |inner| {
        let sequence = prop::collection::vec(inner, 1..3);
        prop_oneof![
            (any::<bool>(), sequence.clone()).prop_map(|(holds, inner)| Shape::If(holds, inner)),
            (sequence.clone(), sequence).prop_map(|(left, right)| Shape::Side(left, right)),
        ]
    });
    prop::collection::vec(shape, 1..4)
}

/// Turns shapes into steps.
#[derive(Default)]
struct Builder {
    steps: Map<String, Value>,
    count: usize,
    names: Vec<String>,
}

impl Builder {
    fn next(&mut self) -> usize {
        self.count += 1;
        self.count
    }

    fn sequence(&mut self, shapes: &[Shape], after: String) -> String {
        let mut next = after;
        for shape in shapes.iter().rev() {
            next = self.shape(shape, next);
        }
        next
    }

    fn action(&mut self, name: String, next: &str) -> (String, Value) {
        let number = self.next();
        let name = if name.is_empty() { format!("n{number}") } else { name };
        self.names.push(name.clone());
        let step = json!({
            "type": "action", "agent": id("http-api", 1), "on_success": next,
            "commands": [{"type": extension::COMMAND}],
            "step_extensions": {
                (extension::ACTION): {"action": "test.do", "inputs": {"name": name}},
                (extension::POLICY): {"retry": {"attempts": 3, "backoff_seconds": 1}},
            },
        });
        (id("action", number), step)
    }

    fn shape(&mut self, shape: &Shape, next: String) -> String {
        let end = id("end", 1);
        let (at, step) = match shape {
            Shape::Do => self.action(String::new(), &next),
            Shape::Wait => {
                let (at, mut step) = self.action(String::new(), &next);
                step["delay"] = json!(5000);
                (at, step)
            }
            Shape::Each(count) => {
                let (at, mut step) = self.action(String::new(), &next);
                let items: Vec<String> = (0..*count).map(|item| format!("i{item}")).collect();
                let list = Value::from(items).to_string();
                step["step_extensions"][extension::FOR_EACH] = json!({"list": list, "variable": "__item__"});
                (at, step)
            }
            Shape::If(holds, inner) => {
                let first = self.sequence(inner, end);
                let condition = format!("__mode__:value {} 'full'", if *holds { "=" } else { "!=" });
                let step = json!({
                    "type": "if-condition", "condition": condition, "on_true": first, "on_success": next,
                });
                (id("if-condition", self.next()), step)
            }
            Shape::Side(left, right) => {
                let branches = [self.sequence(left, end.clone()), self.sequence(right, end)];
                (
                    id("parallel", self.next()),
                    json!({"type": "parallel", "next_steps": branches, "on_success": next}),
                )
            }
        };
        self.steps.insert(at.clone(), step);
        at
    }
}

/// Lines in memory that stop being written after some.
struct Crashing {
    lines: Arc<Mutex<Vec<u8>>>,
    left: usize,
    torn: bool,
}

impl Storage for Crashing {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if self.left == 0 {
            if self.torn {
                lines.extend_from_slice(bytes.get(..bytes.len() / 2).unwrap_or_default());
            }
            return Err(io::Error::other("crash"));
        }
        self.left -= 1;
        lines.extend_from_slice(bytes);
        Ok(())
    }
}

#[derive(Clone, Debug)]
struct Case {
    shapes: Vec<Shape>,
    fails: bool,
    crashes: Vec<(usize, bool)>,
    lost: Vec<usize>,
    refused: Vec<usize>,
}

fn cases() -> impl Strategy<Value = Case> {
    let crashes = prop::collection::vec((0_usize..12, any::<bool>()), 0..8);
    let some = || prop::collection::vec(0_usize..12, 0..3);
    (shapes(), any::<bool>(), crashes, some(), some())
        .prop_map(|(shapes, fails, crashes, lost, refused)| Case { shapes, fails, crashes, lost, refused })
}

/// What became of the world, and how the run ended.
type Ended = (Arc<Mutex<World>>, Status);

fn run(case: &Case) -> Result<Ended, Box<dyn std::error::Error>> {
    let mut builder = Builder::default();
    let mut end = id("end", 1);
    if case.fails {
        let (at, step) = builder.action("fails".to_owned(), &end);
        builder.steps.insert(at.clone(), step);
        end = at;
    }
    let first = builder.sequence(&case.shapes, end);
    let name = |index: &usize| builder.names.get(*index).cloned();
    let world = World {
        lost: case.lost.iter().filter_map(name).collect(),
        refused: case.refused.iter().filter_map(name).collect(),
        ..World::default()
    };
    let world = Arc::new(Mutex::new(world));
    let document = playbook("127.0.0.1:1", &first, Value::Object(builder.steps), case.fails);
    let (library, system) = (library(&[document])?, MemorySystem::default());
    let mut catalogue = Catalogue::default();
    catalogue.add(Box::new(Counted(Arc::clone(&world))));
    let temporary = tempfile::tempdir()?;
    let opener = Runner {
        system: &system,
        library: &library,
        catalogue: &catalogue,
        folder: Folder::new(temporary.path()),
        is_stopped: &|| true,
    };
    let opened = opener.start(&id("playbook", 1), &Start::default())?;
    let history = opener.history(&opened.run)?;
    let runner = Runner { is_stopped: &go_on, ..opener };
    let lines = Arc::new(Mutex::new(Vec::new()));
    let mut first_lines =
        Journal::fresh(Box::new(Crashing { lines: Arc::clone(&lines), left: usize::MAX, torn: false }));
    for record in history {
        first_lines.append(record.at, record.event)?;
    }
    let mut crashes = case.crashes.iter().copied();
    for _ in 0..400 {
        let bytes = {
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            let whole = load("r", &lines)?.whole;
            lines.truncate(whole);
            lines.clone()
        };
        let loaded = load("r", &bytes)?;
        let (left, torn) = crashes.next().unwrap_or((usize::MAX, false));
        let storage = Crashing { lines: Arc::clone(&lines), left, torn };
        let state = State::of(&loaded.records).ok_or("no run")?;
        match runner.work(Journal::resume(Box::new(storage), &loaded), state) {
            Ok(report) if report.status == Status::Waiting => system.advance(7),
            Ok(report) => return Ok((world, report.status)),
            Err(_) => system.advance(1),
        }
    }
    Err("the run does not come to its end".into())
}

/// How many actions a run of these shapes does.
fn expected(shapes: &[Shape]) -> usize {
    let of_shape = |shape: &Shape| match shape {
        Shape::Do | Shape::Wait => 1,
        Shape::Each(count) => *count,
        Shape::If(true, inner) => expected(inner),
        Shape::If(false, _) => 0,
        Shape::Side(left, right) => expected(left) + expected(right),
    };
    shapes.iter().map(of_shape).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn each_action_is_done_once(case in cases()) {
        let result = run(&case).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let (world, status) = result;
        let world = world.lock().unwrap_or_else(PoisonError::into_inner);
        prop_assert_eq!(status, if case.fails { Status::Failed } else { Status::Completed });
        prop_assert_eq!(world.done.len(), expected(&case.shapes));
        prop_assert!(world.done.values().all(|count| *count == 1), "{:?}", world.done);
        let undone = if case.fails { world.done.len() } else { 0 };
        prop_assert_eq!(world.undone.len(), undone);
        prop_assert!(world.undone.values().all(|count| *count == 1), "{:?}", world.undone);
    }
}
