//! Exports, held against what their standards require and against the libraries of others.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use castellan_incident::evidence::PrivateKey;
use castellan_incident::export::{ocsf, report, stix};
use castellan_incident::graph::graph;
use castellan_incident::timeline::timeline;
use proptest::prelude::*;
use serde_json::Value;

use crate::Outcome;
use crate::sample::case;

/// The Python in which `tools/clients` has installed a client.
fn python(client: &str) -> Option<PathBuf> {
    let clients = std::env::var_os("CASTELLAN_CLIENTS").map(PathBuf::from);
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/castellan/clients"));
    let python = clients.or_else(home)?.join(client).join("bin/python");
    if !python.exists() {
        eprintln!("skipped: no client `{client}`; run `tools/clients`, which installs it");
        return None;
    }
    Some(python)
}

/// What a script of `tests/data` says of some JSON; `None` where its client is not installed.
fn judged(client: &str, document: &Value) -> Option<Value> {
    let script = format!("{}/tests/data/{client}.py", env!("CARGO_MANIFEST_DIR"));
    let mut child = Command::new(python(client)?)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(document.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// What the schema requires of every event of a class, beside what the class requires (OCSF 1.8.0).
const BASE: [&str; 7] =
    ["activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid"];

#[test]
fn ocsf_has_what_its_classes_require() {
    let events = ocsf::events(&case(None));
    assert_eq!(events.len(), 5);
    for (at, event) in events.iter().enumerate() {
        for name in BASE {
            assert!(!event[name].is_null(), "{name} of event {at}");
        }
        let (class, activity) =
            (event["class_uid"].as_u64().unwrap(), event["activity_id"].as_u64().unwrap());
        assert_eq!(event["type_uid"].as_u64(), Some(class * 100 + activity));
        assert_eq!(event["category_uid"], class / 1000);
        assert_eq!(event["metadata"]["version"], "1.8.0");
        assert!(event["metadata"]["product"]["name"].is_string());
        for each in event["observables"].as_array().unwrap() {
            assert!(each["type_id"].is_u64() && each["value"].is_string(), "{each}");
        }
    }
    let incident = &events[0];
    assert_eq!(incident["class_uid"], 2005);
    assert_eq!(incident["finding_info_list"].as_array().unwrap().len(), 4);
    assert!(incident["finding_info_list"].as_array().unwrap().iter().all(|info| info["uid"].is_string()));
    assert_eq!(
        (&incident["status_id"], &incident["assignee"]["name"]),
        (&2.into(), &"ben@contoso.com".into())
    );
    assert_eq!(events[1]["class_uid"], 2004);
    assert!(events[1]["finding_info"]["uid"].is_string());
    assert_eq!(events[1]["finding_info"]["analytic"]["type_id"], 1);
}

#[test]
fn an_incident_without_an_owner_has_a_group() {
    let mut case = case(None);
    case.owner.clear();
    case.status = "Closed".into();
    case.classification = "TruePositive".into();
    let incident = &ocsf::events(&case)[0];
    assert_eq!(incident["assignee_group"]["name"], "Unassigned");
    assert_eq!(
        (&incident["activity_id"], &incident["verdict_id"], &incident["status_id"]),
        (&3.into(), &2.into(), &5.into())
    );
}

#[test]
fn ocsf_is_read_by_a_library_of_others() {
    let events = ocsf::events(&case(None));
    let Some(told) = judged("ocsf", &Value::Array(events)) else { return };
    assert_eq!(told["problems"], serde_json::json!([]));
    assert_eq!(told["detections"], 4);
}

#[test]
fn stix_is_valid_by_the_tools_of_oasis() {
    let bundle = stix::bundle(&case(None));
    let Some(told) = judged("stix", &bundle) else { return };
    assert_eq!(told["problems"], serde_json::json!([]), "{bundle:#}");
    assert!(told["observables"].as_u64().unwrap() >= 7, "{told}");
}

#[test]
fn stix_names_everything_it_refers_to_and_is_the_same_again() {
    let bundle = stix::bundle(&case(None));
    assert_eq!(bundle.to_string(), stix::bundle(&case(None)).to_string());
    let objects = bundle["objects"].as_array().unwrap();
    let ids: Vec<&str> = objects.iter().map(|object| object["id"].as_str().unwrap()).collect();
    let mut once = ids.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), ids.len());
    for object in objects {
        for (name, value) in object.as_object().unwrap() {
            let refs: Vec<&str> = match value {
                Value::String(one) if name.ends_with("_ref") => vec![one],
                Value::Array(list) if name.ends_with("_refs") => {
                    list.iter().filter_map(Value::as_str).collect()
                }
                _ => Vec::new(),
            };
            assert!(refs.iter().all(|wanted| ids.contains(wanted)), "{name}: {value}");
        }
    }
    let kinds = |kind: &str| objects.iter().filter(|object| object["type"] == kind).count();
    assert_eq!((kinds("incident"), kinds("grouping"), kinds("note")), (1, 1, 1));
    assert_eq!(kinds("observed-data"), 4);
    assert!(kinds("sighting") >= 5 && kinds("attack-pattern") >= 5);
}

const HOSTILE: &str =
    "</title></style><script>alert(1)</script><svg onload=x>\"'>\u{202e}\u{0}&<PAYMENT_CARD>";

#[test]
fn hostile_text_stays_text() {
    let mut case = case(None);
    for text in
        [&mut case.title, &mut case.description, &mut case.owner, &mut case.status, &mut case.modified_by]
    {
        HOSTILE.clone_into(text);
    }
    case.labels = vec![HOSTILE.into()];
    case.classification = HOSTILE.into();
    for alert in &mut case.alerts {
        for text in [&mut alert.name, &mut alert.description, &mut alert.rule] {
            HOSTILE.clone_into(text);
        }
        alert.details.insert(HOSTILE.into(), vec![HOSTILE.into()]);
        alert.techniques.push(HOSTILE.into());
    }
    case.tasks[0].title = HOSTILE.into();
    case.comments[0].text = HOSTILE.into();
    case.trail[0].told = HOSTILE.into();
    case.links[0].reason = HOSTILE.into();
    case.evidence[0].redacted = HOSTILE.into();
    case.evidence[0].kind = HOSTILE.into();
    case.gather();
    let page = report::html(&case);
    for bad in ["<script", "<svg onload", "</title></style>", "\u{202e}", "\u{0}", "onload=x>\"'"] {
        assert!(!page.contains(bad), "{bad:?}");
    }
    assert_eq!(page.matches("<style>").count(), 1);
    // The others take any text as well.
    assert!(stix::bundle(&case)["objects"].is_array());
    assert_eq!(ocsf::events(&case).len(), 5);
    assert!(graph(&case).to_dot().lines().all(|line| line.len() < 2_000));
}

#[test]
fn the_report_has_everything_and_nothing_from_elsewhere() {
    let key = PrivateKey::generate().unwrap();
    let page = report::html(&case(Some(key.public_key().clone())));
    for words in [
        "Injected agent read a vault",
        "claims-triage",
        "ben@contoso.com",
        "Rotate the secrets",
        "claim 8841",
        "AppGenAIContent.InputMessages",
        "<mark>",
        "original sealed to",
        "The sum is <b>115</b>",
        "aria-label=\"Timeline\"",
        "AML.T0051.001",
    ] {
        assert!(page.contains(words), "{words}");
    }
    for bad in ["4111 1111", "ann.smith", "<img", "<script", "src=", "href=\"http"] {
        assert!(!page.contains(bad), "{bad}");
    }
}

#[test]
fn times_and_names_are_in_order() {
    let case = case(None);
    let moments = timeline(&case);
    assert_eq!(moments.len(), 4 + 2 + 4);
    assert!(moments.is_sorted_by_key(|moment| moment.at));
    let graph = graph(&case);
    let agent = graph.nodes.iter().find(|node| node.kind == "AIAgent").unwrap();
    assert_eq!((agent.count, agent.label.as_str()), (4, "claims-triage"));
    assert_eq!(graph.nodes.iter().filter(|node| node.kind == "alert").count(), 4);
    assert!(graph.edges.iter().all(|edge| graph.nodes.iter().any(|node| node.id == edge.to)));
}

fn browser() -> Option<&'static str> {
    let known = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    let found = known.into_iter().find(|path| std::path::Path::new(path).exists());
    if found.is_none() {
        eprintln!("skipped: no Chromium; get it with: apt-get install chromium");
    }
    found
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the browser is a program of its own, and its picture is a file"
)]
fn the_report_is_drawn_by_a_browser() -> Outcome {
    let Some(browser) = browser() else { return Ok(()) };
    let folder = tempfile::tempdir()?;
    let key = PrivateKey::generate()?;
    std::fs::write(folder.path().join("report.html"), report::html(&case(Some(key.public_key().clone()))))?;
    let page = format!("file://{}/report.html", folder.path().display());
    let picture = folder.path().join("report.png");
    let profile = format!("--user-data-dir={}/profile", folder.path().display());
    let shot = format!("--screenshot={}", picture.display());
    let common = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        &profile,
    ];
    let ran = Command::new(browser).args(common).args(["--window-size=1200,3300", &shot, &page]).output()?;
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let png = std::fs::read(&picture)?;
    assert!(png.len() > 100_000, "{} bytes: a blank page of this size has a few thousand", png.len());
    if let Some(kept) = std::env::var_os("CASTELLAN_KEEP_PICTURE") {
        std::fs::copy(&picture, kept)?;
    }
    Ok(())
}

proptest! {
    /// Whatever rows say, exports are made, and pages hold no markup of theirs.
    #[test]
    fn any_text_is_exported(text in "\\PC{0,40}", value in "[<>&\"'a-z/.:0-9 ]{0,40}") {
        let mut case = case(None);
        case.title.clone_from(&text);
        let entities = serde_json::json!([
            { "Type": "account", "Name": text }, { "Type": "ip", "Address": value }, { "Type": "filehash", "Value": value },
            { "Type": "url", "Url": text }, { "Type": "process", "CommandLine": value }, { "Type": "host", "HostName": text },
        ]);
        let mut alert = case.alerts[0].clone();
        alert.id.push('x');
        alert.entities = entities.as_array().unwrap().iter().filter_map(castellan_detect::entity::Entity::of_json).collect();
        case.alerts.push(alert);
        case.gather();
        let page = report::html(&case);
        prop_assert!(!page.contains("<script"));
        prop_assert_eq!(&stix::bundle(&case)["type"], "bundle");
        prop_assert_eq!(ocsf::events(&case).len(), case.alerts.len() + 1);
    }
}
