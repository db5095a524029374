//! What was decided stays decided, what ended stays ended, and what was there before is looked at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use castellan_respond::actions::{Action, ActionError, ActionSpec, Call, Catalogue, Outputs, Probe, Undo};
use castellan_respond::playbook::extension;
use castellan_respond::run::{Answerer, RunError, Runner, Start, Status, Wait};
use castellan_testkit::MemorySystem;
use serde_json::{Value, json};

use crate::service::Service;
use crate::support::{Outcome, catalogue, does, id, library, playbook, runner};

fn person(who: &str) -> Answerer {
    Answerer { who: who.to_owned(), roles: Vec::new() }
}

fn by(who: &str) -> Start {
    Start { by: who.to_owned(), ..Start::default() }
}

/// A step that is `first`, with one that waits behind it and one that waits where it fails.
fn with_handler(host: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut first = does("it", &id("action", 2));
    first["on_failure"] = json!(id("action", 3));
    change(&mut first);
    let mut steps = json!({(id("action", 1)): first});
    for (number, name) in [(2, "after"), (3, "handler")] {
        let mut step = does(name, &id("action", 4));
        step["step_extensions"][extension::POLICY]["keep"] = json!(false);
        steps[id("action", number)] = step;
    }
    let mut waits = does("last", &id("end", 1));
    waits["delay"] = json!(3_600_000);
    steps[id("action", 4)] = waits;
    playbook(host, &id("action", 1), steps, false)
}

fn asks(step: &mut Value) {
    step["step_extensions"][extension::APPROVAL] =
        json!({"approvers": ["Ann", "ben"], "required": 1, "timeout_seconds": 60});
}

fn path_of(waits: &[Wait]) -> Result<String, String> {
    waits.first().map(|wait| wait.path().to_owned()).ok_or_else(|| "nothing waits".to_owned())
}

fn is_refused<T>(result: &Result<T, RunError>) -> bool {
    matches!(result, Err(RunError::NotAsked { .. }))
}

#[test]
fn a_late_vote_changes_nothing() -> Outcome {
    let (service, folder, system) = (Service::start()?, tempfile::tempdir()?, MemorySystem::default());
    let document = with_handler(&service.host(), asks);
    let (library, catalogue) = (library(&[document])?, catalogue(&service.host()));
    let runner = runner(&system, &library, &catalogue, folder.path());
    let report = runner.start(&id("playbook", 1), &by("test"))?;
    let path = path_of(&report.waits)?;
    system.advance(61);
    assert_eq!(runner.resume(&report.run)?.status, Status::Waiting);
    assert_eq!(service.counts().done, BTreeMap::from([("handler".to_owned(), 1)]));
    for who in ["ann", "ben"] {
        assert!(is_refused(&runner.approve(&report.run, &path, &person(who), true, "")), "{who}");
    }
    system.advance(3600);
    assert_eq!(runner.resume(&report.run)?.status, Status::Completed);
    assert_eq!(service.counts().done.get("it"), None);
    Ok(())
}

#[test]
fn who_said_yes_cannot_say_no_afterwards() -> Outcome {
    let (service, folder, system) = (Service::start()?, tempfile::tempdir()?, MemorySystem::default());
    let document = with_handler(&service.host(), asks);
    let (library, catalogue) = (library(&[document])?, catalogue(&service.host()));
    let runner = runner(&system, &library, &catalogue, folder.path());
    let report = runner.start(&id("playbook", 1), &by("test"))?;
    let path = path_of(&report.waits)?;
    runner.approve(&report.run, &path, &person("ANN"), true, "yes")?;
    assert_eq!(service.counts().done.get("it"), Some(&1));
    assert!(is_refused(&runner.approve(&report.run, &path, &person("ann"), false, "no")));
    assert!(is_refused(&runner.approve(&report.run, &path, &person("ben"), false, "no")));
    system.advance(3601);
    assert_eq!(runner.resume(&report.run)?.status, Status::Completed);
    assert_eq!(service.counts().done.get("handler"), None);
    Ok(())
}

#[test]
fn a_starter_without_a_name_is_not_excluded_by_nobody() -> Outcome {
    let (service, folder, system) = (Service::start()?, tempfile::tempdir()?, MemorySystem::default());
    let document = with_handler(&service.host(), |step| {
        asks(step);
        step["step_extensions"][extension::APPROVAL]["not_starter"] = json!(true);
    });
    let (library, catalogue) = (library(&[document])?, catalogue(&service.host()));
    let runner = runner(&system, &library, &catalogue, folder.path());
    let report = runner.start(&id("playbook", 1), &by(" "))?;
    assert!(report.handled.iter().any(|(_, reason)| reason.contains("start it with a name")), "{report:?}");
    assert_eq!(service.counts().done.get("it"), None);
    Ok(())
}

#[test]
fn a_task_that_timed_out_is_not_done_later() -> Outcome {
    let (service, folder, system) = (Service::start()?, tempfile::tempdir()?, MemorySystem::default());
    let document = with_handler(&service.host(), |step| {
        step["commands"] = json!([{"type": "manual", "command": "Look."}]);
        step["timeout"] = json!(60_000);
    });
    let (library, catalogue) = (library(&[document])?, catalogue(&service.host()));
    let runner = runner(&system, &library, &catalogue, folder.path());
    let report = runner.start(&id("playbook", 1), &by("test"))?;
    let path = path_of(&report.waits)?;
    system.advance(61);
    runner.resume(&report.run)?;
    assert_eq!(service.counts().done, BTreeMap::from([("handler".to_owned(), 1)]));
    assert!(is_refused(&runner.complete(&report.run, &path, "ann", Ok(BTreeMap::new()))));
    system.advance(3600);
    let report = runner.resume(&report.run)?;
    assert_eq!(report.status, Status::Completed);
    assert!(report.steps.iter().any(|step| step.path == path && !step.success), "{report:?}");
    assert_eq!(service.counts().done.get("after"), None);
    Ok(())
}

/// What a switch is at, and what was done to it.
#[derive(Debug, Default)]
struct Switch {
    is_on: bool,
    lands: bool,
    performs: usize,
    undos: usize,
    refuse_undo: bool,
    is_blind: bool,
}

/// An action on a switch, which may land only after it was looked at.
struct Turn(Arc<Mutex<Switch>>);

impl Turn {
    fn switch<T>(&self, change: impl FnOnce(&mut Switch) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

const TURN: ActionSpec = ActionSpec {
    name: "test.turn",
    summary: "turns a switch on",
    inputs: &[],
    outputs: &[],
    undo: Undo::Restores("it is as it was"),
    probe: "it is on",
    permission: "",
};

impl Action for Turn {
    fn spec(&self) -> &ActionSpec {
        &TURN
    }

    fn target(&self, _: &Call<'_>) -> String {
        String::new()
    }

    fn change(&self, _: &Call<'_>) -> String {
        String::new()
    }

    fn prepare(&self, _: &Call<'_>) -> Result<Value, ActionError> {
        Ok(self.switch(|switch| json!(switch.is_on)))
    }

    fn perform(&self, _: &Call<'_>, _: &Value) -> Result<Outputs, ActionError> {
        self.switch(|switch| {
            switch.performs += 1;
            if switch.lands {
                return Err(ActionError::perhaps("no answer"));
            }
            switch.is_on = true;
            Ok(Outputs::new())
        })
    }

    fn probe(&self, _: &Call<'_>, before: &Value) -> Result<Probe, ActionError> {
        self.switch(|switch| {
            if switch.is_blind {
                return Ok(Probe::Unknown("nobody can look".to_owned()));
            }
            let is_changed = json!(switch.is_on) != *before;
            if std::mem::take(&mut switch.lands) {
                switch.is_on = true;
            }
            Ok(if is_changed {
                Probe::InEffect(BTreeMap::new())
            } else {
                Probe::NotInEffect("it is off".to_owned())
            })
        })
    }

    fn undo(&self, _: &Call<'_>, before: &Value) -> Result<(), ActionError> {
        self.switch(|switch| {
            switch.undos += 1;
            if std::mem::take(&mut switch.refuse_undo) {
                return Err(ActionError::for_now("busy"));
            }
            switch.is_on = before.as_bool().unwrap_or(true);
            Ok(())
        })
    }
}

fn turning(switch: Switch) -> Result<(Arc<Mutex<Switch>>, Catalogue, castellan_respond::Library), String> {
    let switch = Arc::new(Mutex::new(switch));
    let mut catalogue = Catalogue::default();
    catalogue.add(Box::new(Turn(Arc::clone(&switch))));
    let step = json!({
        "type": "action", "agent": id("http-api", 1), "on_success": id("end", 1),
        "commands": [{"type": extension::COMMAND}],
        "step_extensions": {
            (extension::ACTION): {"action": "test.turn", "inputs": {}},
            (extension::POLICY): {"retry": {"attempts": 3, "backoff_seconds": 0}},
        },
    });
    let document = playbook("127.0.0.1:1", &id("action", 1), json!({(id("action", 1)): step}), false);
    Ok((switch, catalogue, library(&[document])?))
}

fn look<T>(switch: &Mutex<Switch>, look: impl FnOnce(&mut Switch) -> T) -> T {
    look(&mut switch.lock().unwrap_or_else(PoisonError::into_inner))
}

#[test]
fn an_attempt_that_lands_late_is_not_what_was_there() -> Outcome {
    let (folder, system) = (tempfile::tempdir()?, MemorySystem::default());
    let (switch, catalogue, library) = turning(Switch { lands: true, ..Switch::default() })?;
    let runner = runner(&system, &library, &catalogue, folder.path());
    let report = runner.start(&id("playbook", 1), &by("test"))?;
    assert_eq!(report.status, Status::Completed, "{report:?}");
    assert_eq!(look(&switch, |switch| (switch.performs, switch.is_on)), (1, true));
    runner.undo(&report.run, "ann", "as it was")?;
    assert!(!look(&switch, |switch| switch.is_on), "the undo knows what was there before the first attempt");
    Ok(())
}

/// An attempt that was performed and not proved says nothing about the one after it, which was interrupted.
#[test]
fn what_an_earlier_attempt_said_does_not_count_for_a_later_one() -> Outcome {
    use castellan_base::Ticks;
    use castellan_respond::run::{Event, Opened, Record, State};

    let path = "/a".to_owned();
    let opened = Opened {
        run: "run--1".to_owned(),
        playbook: String::new(),
        playbooks: BTreeMap::new(),
        digest: String::new(),
        trust: String::new(),
        variables: BTreeMap::new(),
        by: String::new(),
        cause: String::new(),
        seed: String::new(),
    };
    let started = || Event::Started {
        path: path.clone(),
        action: "test.turn".to_owned(),
        key: "k".to_owned(),
        inputs: BTreeMap::new(),
        before: json!("first"),
        keep: false,
    };
    let failed = Event::AttemptFailed {
        path: path.clone(),
        reason: "a person saw that it did not take effect".to_owned(),
        counts: false,
        last: false,
        again_at: Ticks::MIN,
        perhaps: false,
    };
    let events = [
        Event::Opened(opened),
        started(),
        Event::Performed { path: path.clone(), outputs: BTreeMap::new() },
        Event::Unproved { path: path.clone(), reason: String::new(), again_at: Ticks::MIN },
        failed,
        started(),
    ];
    let records: Vec<Record> =
        (0..).zip(events).map(|(sequence, event)| Record { sequence, at: Ticks::MIN, event }).collect();
    let place = State::of(&records).ok_or("no run")?.place(&path);
    assert_eq!((place.performed, place.unproved), (None, 0));
    Ok(())
}

fn undone(runner: &Runner<'_>, run: &str) -> Result<Option<bool>, RunError> {
    let report = runner.undo(run, "ann", "as it was")?;
    Ok(report.steps.iter().find_map(|step| step.undone.as_ref().map(|(success, _)| *success)))
}

#[test]
fn an_undo_that_was_refused_is_tried_again_when_asked_and_only_then() -> Outcome {
    let (folder, system) = (tempfile::tempdir()?, MemorySystem::default());
    let (switch, catalogue, library) =
        turning(Switch { is_blind: true, refuse_undo: true, ..Switch::default() })?;
    let runner = runner(&system, &library, &catalogue, folder.path());
    let report = runner.start(&id("playbook", 1), &by("test"))?;
    assert_eq!(report.status, Status::Completed, "{report:?}");
    assert_eq!(undone(&runner, &report.run)?, Some(false));
    for _ in 0..3 {
        runner.resume(&report.run)?;
    }
    assert_eq!(look(&switch, |switch| switch.undos), 1, "resuming a run that is over asks for nothing");
    assert_eq!(undone(&runner, &report.run)?, Some(true));
    assert_eq!(look(&switch, |switch| (switch.undos, switch.is_on)), (2, false));
    Ok(())
}
