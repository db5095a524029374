//! Approvals, tasks, retries, loops, cancelling, undoing: with a clock that the test moves.

use std::collections::BTreeMap;

use castellan_respond::Library;
use castellan_respond::Origin;
use castellan_respond::playbook::extension;
use castellan_respond::run::{Answerer, Report, RunError, Start, Status, Wait, plan};
use castellan_respond::sign::{SigningKey, TrustedKeys, sign};
use castellan_testkit::MemorySystem;
use serde_json::{Value, json};

use crate::service::Service;
use crate::support::{Outcome, catalogue, does, id, library, playbook, runner};

fn start(by: &str) -> Start {
    Start { by: by.to_owned(), ..Start::default() }
}

fn with_approval(host: &str) -> Value {
    let mut step = does("it", &id("end", 1));
    step["step_extensions"][extension::APPROVAL] = json!({
        "approvers": ["ann", "ben", "cid"], "required": 2, "timeout_seconds": 3600,
        "escalate_to": ["dan", "eva"], "question": "Do it in mode __mode__:value?", "not_starter": true,
    });
    playbook(host, &id("action", 1), json!({(id("action", 1)): step}), false)
}

fn person(who: &str) -> Answerer {
    Answerer { who: who.to_owned(), roles: Vec::new() }
}

#[test]
fn two_of_three_approve() -> Outcome {
    let (service, folder, system) = (Service::start()?, tempfile::tempdir()?, MemorySystem::default());
    let (library, catalogue) = (library(&[with_approval(&service.host())])?, catalogue(&service.host()));
    let runner = runner(&system, &library, &catalogue, folder.path());
    let report = runner.start(&id("playbook", 1), &start("cid"))?;
    let [Wait::Approval { path, missing: 2, question, .. }] = report.waits.as_slice() else {
        return Err(format!("{:?}", report.waits).into());
    };
    assert_eq!(question, "Do it in mode full?");
    let refused = |who: &str| {
        matches!(runner.approve(&report.run, path, &person(who), true, ""), Err(RunError::NotAsked { .. }))
    };
    assert!(refused("eva") && refused("cid"), "who is not asked, and who started it");
    assert_eq!(runner.approve(&report.run, path, &person("ann"), true, "seen")?.status, Status::Waiting);
    // The same person twice is one person.
    assert_eq!(runner.approve(&report.run, path, &person("Ann"), true, "again")?.status, Status::Waiting);
    assert_eq!(service.counts().done.len(), 0);
    assert_eq!(runner.approve(&report.run, path, &person("ben"), true, "yes")?.status, Status::Completed);
    assert_eq!(service.counts().done.get("it"), Some(&1));
    let history = serde_json::to_string(&runner.history(&report.run)?)?;
    assert!(history.contains("\"who\":\"ann\"") && history.contains("\"why\":\"seen\""));
    Ok(())
}

#[test]
fn silence_escalates_and_then_refuses() -> Outcome {
    let (service, folder, system) = (Service::start()?, tempfile::tempdir()?, MemorySystem::default());
    let (library, catalogue) = (library(&[with_approval(&service.host())])?, catalogue(&service.host()));
    let runner = runner(&system, &library, &catalogue, folder.path());
    let report = runner.start(&id("playbook", 1), &start("test"))?;
    let path = report.waits.first().map(|wait| wait.path().to_owned()).unwrap_or_default();
    assert_eq!(report.resume_at().map(|at| at.to_string()).as_deref(), Some("2026-11-21T01:00:00.0000000Z"));
    system.advance(3600);
    let report = runner.resume(&report.run)?;
    assert!(format!("{:?}", report.waits).contains("dan"), "{:?}", report.waits);
    runner.approve(&report.run, &path, &person("dan"), true, "")?;
    system.advance(3600);
    let late = runner.approve(&report.run, &path, &person("eva"), true, "");
    assert!(matches!(late, Err(RunError::NotAsked { .. })), "{late:?}");
    let report = runner.resume(&report.run)?;
    assert_eq!(report.status, Status::Failed);
    assert!(report.reason.contains("nobody approved"), "{}", report.reason);
    assert_eq!(service.counts().done.len(), 0);
    Ok(())
}

#[test]
fn two_refusals_of_three_decide() -> Outcome {
    let (service, folder, system) = (Service::start()?, tempfile::tempdir()?, MemorySystem::default());
    let (library, catalogue) = (library(&[with_approval(&service.host())])?, catalogue(&service.host()));
    let runner = runner(&system, &library, &catalogue, folder.path());
    let report = runner.start(&id("playbook", 1), &start("test"))?;
    let path = report.waits.first().map(|wait| wait.path().to_owned()).unwrap_or_default();
    runner.approve(&report.run, &path, &person("ann"), false, "no")?;
    let report = runner.approve(&report.run, &path, &person("ben"), false, "not now")?;
    assert_eq!(report.status, Status::Failed);
    assert!(report.reason.contains("ben: not now"));
    Ok(())
}

fn one_step(host: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut step = does("it", &id("end", 1));
    change(&mut step);
    playbook(host, &id("action", 1), json!({(id("action", 1)): step}), false)
}

/// Resumes whenever the run says; tells the report and how many seconds that took.
fn drive(
    runner: &castellan_respond::run::Runner<'_>,
    system: &MemorySystem,
    report: Report,
) -> Result<(Report, i64), RunError> {
    let (mut report, mut seconds) = (report, 0);
    while report.status == Status::Waiting && seconds < 100_000 {
        system.advance(1);
        seconds += 1;
        report = runner.resume(&report.run)?;
    }
    Ok((report, seconds))
}

#[test]
fn retries_wait_longer_each_time() -> Outcome {
    let (service, folder, system) = (Service::start()?, tempfile::tempdir()?, MemorySystem::default());
    let document = one_step(&service.host(), |step| {
        step["step_extensions"][extension::POLICY]["retry"] = json!({"attempts": 4, "backoff_seconds": 10});
    });
    let (library, catalogue) = (library(&[document])?, catalogue(&service.host()));
    let runner = runner(&system, &library, &catalogue, folder.path());
    service.refuse(503, 3);
    let report = runner.start(&id("playbook", 1), &start("test"))?;
    let (report, seconds) = drive(&runner, &system, report)?;
    assert_eq!(report.status, Status::Completed);
    assert!((35..=73).contains(&seconds), "10, 20 and 40 seconds, each less up to a half: {seconds}");
    assert_eq!(service.counts().done.get("it"), Some(&1));
    service.refuse(503, 9);
    let report = runner.start(&id("playbook", 1), &start("test"))?;
    let (report, _) = drive(&runner, &system, report)?;
    assert_eq!(report.status, Status::Failed);
    assert!(report.reason.contains("503"), "{}", report.reason);
    Ok(())
}

#[test]
fn what_is_refused_for_good_is_not_tried_again() -> Outcome {
    let (service, folder, system) = (Service::start()?, tempfile::tempdir()?, MemorySystem::default());
    let document = one_step(&service.host(), |step| {
        step["step_extensions"][extension::POLICY]["retry"] = json!({"attempts": 4});
    });
    let (library, catalogue) = (library(&[document])?, catalogue(&service.host()));
    service.refuse(403, 1);
    let runner = runner(&system, &library, &catalogue, folder.path());
    let report = runner.start(&id("playbook", 1), &start("test"))?;
    assert_eq!((report.status, service.counts().done.len()), (Status::Failed, 0));
    Ok(())
}

/// Without a probe nobody can tell, so a person is asked, and nothing is done until then.
#[test]
fn a_person_looks_where_nobody_can_tell() -> Outcome {
    let (service, folder, system) = (Service::start()?, tempfile::tempdir()?, MemorySystem::default());
    let document = one_step(&service.host(), |step| {
        step["step_extensions"] = json!({(extension::POLICY): {"retry": {"attempts": 3}}});
    });
    let (library, catalogue) = (library(&[document])?, catalogue(&service.host()));
    let runner = runner(&system, &library, &catalogue, folder.path());
    service.refuse(500, 1);
    let report = runner.start(&id("playbook", 1), &start("test"))?;
    let [Wait::Look { path, .. }] = report.waits.as_slice() else {
        return Err(format!("{:?}", report.waits).into());
    };
    assert_eq!(runner.resume(&report.run)?.status, Status::Waiting);
    let report = runner.settle(&report.run, path, "ann", false, "nothing there")?;
    assert_eq!(report.status, Status::Completed);
    assert_eq!(service.counts().done.get("it"), Some(&1));
    Ok(())
}

/// What nobody knows to be done is not undone at a guess either.
#[test]
fn undo_does_not_guess() -> Outcome {
    let (service, folder, system) = (Service::start()?, tempfile::tempdir()?, MemorySystem::default());
    let document = one_step(&service.host(), |step| {
        step["step_extensions"] = json!({(extension::POLICY): {"undo": {"command": "DELETE /do/it"}}});
    });
    let (library, catalogue) = (library(&[document])?, catalogue(&service.host()));
    let runner = runner(&system, &library, &catalogue, folder.path());
    service.refuse(500, 1);
    let report = runner.start(&id("playbook", 1), &start("test"))?;
    let report = runner.undo(&report.run, "ann", "stop")?;
    assert_eq!((report.status, service.counts().undone.len()), (Status::Cancelled, 0));
    let undone = report.steps.iter().find_map(|step| step.undone.clone()).ok_or("not told")?;
    assert!(!undone.0 && undone.1.contains("nobody knows whether there is anything to undo"), "{undone:?}");
    Ok(())
}

#[test]
fn tasks_loops_and_outputs() -> Outcome {
    let (service, folder, system) = (Service::start()?, tempfile::tempdir()?, MemorySystem::default());
    let steps = json!({
        (id("while-condition", 1)): {
            "type": "while-condition", "condition": "__mode__:value != 'done'",
            "on_true": id("action", 1), "on_success": id("switch-condition", 1),
        },
        (id("action", 1)): {
            "type": "action", "agent": id("http-api", 1), "out_args": ["__mode__", "__answer__:value"],
            "commands": [{"type": "manual", "command": "Look; the mode is __mode__:value."}],
            "on_completion": id("end", 1),
        },
        (id("switch-condition", 1)): {
            "type": "switch-condition", "switch": "__answer__:value",
            "cases": {"yes": id("action", 2), "default": id("action", 3)}, "on_completion": id("end", 1),
        },
        (id("action", 2)): does("yes", &id("end", 1)),
        (id("action", 3)): does("no", &id("end", 1)),
    });
    let document = playbook(&service.host(), &id("while-condition", 1), steps, false);
    let (library, catalogue) = (library(&[document])?, catalogue(&service.host()));
    let runner = runner(&system, &library, &catalogue, folder.path());
    let mut report = runner.start(&id("playbook", 1), &start("test"))?;
    for (mode, answer) in [("again", "no"), ("done", "yes")] {
        let path = report.waits.first().map(|wait| wait.path().to_owned()).unwrap_or_default();
        let pairs = [("__mode__", mode), ("__answer__", answer)];
        let outputs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        report = runner.complete(&report.run, &path, "ann", Ok(BTreeMap::from(outputs)))?;
    }
    assert_eq!(report.status, Status::Completed, "{}", report.reason);
    assert_eq!(service.counts().done, BTreeMap::from([("yes".to_owned(), 1)]));
    Ok(())
}

#[test]
fn cancelled_runs_stay_and_can_be_undone() -> Outcome {
    let (service, folder, system) = (Service::start()?, tempfile::tempdir()?, MemorySystem::default());
    let mut waits = does("late", &id("end", 1));
    waits["delay"] = json!(60_000);
    let steps = json!({(id("action", 1)): does("early", &id("action", 2)), (id("action", 2)): waits});
    let document = playbook(&service.host(), &id("action", 1), steps, false);
    let (library, catalogue) = (library(&[document])?, catalogue(&service.host()));
    let runner = runner(&system, &library, &catalogue, folder.path());
    let report = runner.start(&id("playbook", 1), &start("test"))?;
    assert_eq!(report.status, Status::Waiting);
    let report = runner.cancel(&report.run, "ann", "a false alarm")?;
    assert_eq!((report.status, report.reason.as_str()), (Status::Cancelled, "ann: a false alarm"));
    system.advance(100);
    assert_eq!(runner.resume(&report.run)?.status, Status::Cancelled);
    assert_eq!(service.counts().done, BTreeMap::from([("early".to_owned(), 1)]));
    for _ in 0..2 {
        let report = runner.undo(&report.run, "ann", "as it was")?;
        let undone: Vec<bool> = report
            .steps
            .iter()
            .filter_map(|step| step.undone.as_ref().map(|(success, _)| *success))
            .collect();
        assert_eq!(undone, [true]);
    }
    assert_eq!(service.counts().undone, BTreeMap::from([("early".to_owned(), 1)]));
    Ok(())
}

#[test]
fn a_start_with_a_key_is_one_run() -> Outcome {
    let (service, folder, system) = (Service::start()?, tempfile::tempdir()?, MemorySystem::default());
    let document = one_step(&service.host(), |_| {});
    let (library, catalogue) = (library(&[document])?, catalogue(&service.host()));
    let runner = runner(&system, &library, &catalogue, folder.path());
    let start = Start { key: Some("incident-7".to_owned()), ..start("test") };
    let first = runner.start(&id("playbook", 1), &start)?;
    let second = runner.start(&id("playbook", 1), &start)?;
    assert_eq!((first.run, service.counts().done.get("it")), (second.run, Some(&1)));
    assert_eq!(runner.runs()?.len(), 1);
    Ok(())
}

/// A secret goes to the service and to no file.
#[test]
fn secrets_stay_out_of_journals_and_plans() -> Outcome {
    let (service, folder) = (Service::start()?, tempfile::tempdir()?);
    let system = MemorySystem::default().with_env("TEST_KEY", "hunter2-is-secret");
    let document = one_step(&service.host(), |step| {
        step["commands"][0]["headers"] = json!({"Authorization": ["Bearer __key__:value"]});
    });
    let (library, catalogue) = (library(&[document])?, catalogue(&service.host()));
    let plan = plan(&library, &catalogue, &system, &id("playbook", 1), &BTreeMap::new(), false)?;
    let runner = runner(&system, &library, &catalogue, folder.path());
    let report = runner.start(&id("playbook", 1), &start("test"))?;
    assert_eq!(report.status, Status::Completed, "{}", report.reason);
    let requests = service.counts().requests;
    let sent = requests.iter().any(|(_, headers, _)| {
        headers.get("authorization").is_some_and(|value| value == "Bearer hunter2-is-secret")
    });
    assert!(sent, "{requests:?}");
    let shown = format!(
        "{}{}{}",
        serde_json::to_string(&plan)?,
        serde_json::to_string(&report)?,
        serde_json::to_string(&runner.history(&report.run)?)?
    );
    assert!(!shown.contains("hunter2") && shown.contains("env:TEST_KEY"), "{shown}");
    Ok(())
}

#[test]
fn only_hosts_that_are_named_are_reached() -> Outcome {
    let (service, folder, system) = (Service::start()?, tempfile::tempdir()?, MemorySystem::default());
    let document = one_step(&service.host(), |_| {});
    let (library, catalogue) = (library(&[document])?, catalogue("elsewhere.example"));
    let runner = runner(&system, &library, &catalogue, folder.path());
    let report = runner.start(&id("playbook", 1), &start("test"))?;
    assert_eq!(report.status, Status::Failed);
    assert!(report.reason.contains("not among those"), "{}", report.reason);
    assert_eq!(service.counts().requests.len(), 0);
    Ok(())
}

#[test]
fn unsigned_and_changed_playbooks_do_not_run() -> Outcome {
    let (service, folder, system) = (Service::start()?, tempfile::tempdir()?, MemorySystem::default());
    let catalogue = catalogue(&service.host());
    let key = SigningKey::generate()?;
    let mut document = one_step(&service.host(), |_| {});
    let of = |document: &Value, trusted: TrustedKeys| {
        let mut library = Library::default().trusting(trusted);
        library.add("p.json", &document.to_string(), Origin::File("p.json".to_owned()));
        library
    };
    let try_start = |library: &Library, allow_unsigned: bool| {
        let start = Start { allow_unsigned, ..start("test") };
        runner(&system, library, &catalogue, folder.path())
            .start(&id("playbook", 1), &start)
            .map(|report| report.status)
    };
    let unsigned = of(&document, TrustedKeys::default());
    assert!(matches!(try_start(&unsigned, false), Err(RunError::Refused { .. })));
    assert_eq!(try_start(&unsigned, true)?, Status::Completed);
    sign(&mut document, &key, "us", "2026-11-20T00:00:00Z".parse()?)?;
    let trusted = TrustedKeys::default().with("us", key.public_key());
    assert!(matches!(
        try_start(&of(&document, TrustedKeys::default()), false),
        Err(RunError::Refused { .. })
    ));
    assert_eq!(try_start(&of(&document, trusted.clone()), false)?, Status::Completed);
    document["name"] = json!("changed");
    assert!(matches!(try_start(&of(&document, trusted), true), Err(RunError::Refused { .. })));
    Ok(())
}

/// Of two playbooks with one id the trusted one stays, whichever is read first, and of two alike the newer.
#[test]
fn a_playbook_is_not_pushed_out_by_one_that_nobody_vouches_for() -> Outcome {
    let key = SigningKey::generate()?;
    let named = |name: &str, modified: &str| {
        let mut document = one_step("127.0.0.1:1", |_| {});
        (document["name"], document["modified"]) = (json!(name), json!(modified));
        document
    };
    let mut signed = named("signed", "2026-01-02T00:00:00.000Z");
    sign(&mut signed, &key, "us", "2026-11-20T00:00:00Z".parse()?)?;
    let newer = named("newer", "2026-03-01T00:00:00.000Z");
    let older = named("older", "2026-02-01T00:00:00.000Z");
    for (documents, expected) in [
        ([&signed, &newer], "signed"),
        ([&newer, &signed], "signed"),
        ([&older, &newer], "newer"),
        ([&newer, &older], "newer"),
    ] {
        let mut library = Library::default().trusting(TrustedKeys::default().with("us", key.public_key()));
        for (index, document) in documents.into_iter().enumerate() {
            library.add(
                &format!("{index}.json"),
                &document.to_string(),
                Origin::File(format!("{index}.json")),
            );
        }
        let kept = library.get(&id("playbook", 1)).map(|entry| entry.playbook.name.clone());
        assert_eq!(kept.as_deref(), Some(expected));
        assert!(library.diagnostics.iter().any(|(_, told)| told.message.contains("left out")));
    }
    Ok(())
}

#[test]
fn plans_say_what_would_be_done_and_do_nothing() -> Outcome {
    let (service, system) = (Service::start()?, MemorySystem::default());
    let document = with_approval(&service.host());
    let (library, catalogue) = (library(&[document])?, catalogue(&service.host()));
    let plan = plan(&library, &catalogue, &system, &id("playbook", 1), &BTreeMap::new(), true)?;
    let [step] = plan.steps.as_slice() else { return Err(format!("{plan:?}").into()) };
    assert_eq!(step.change, "sends `POST /do/it`");
    assert_eq!(step.approval.as_deref(), Some("2 of ann, ben, cid"));
    assert_eq!(plan.problems, Vec::<String>::new());
    assert_eq!(service.counts().requests.len(), 0);
    Ok(())
}
