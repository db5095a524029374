//! The console's pages in Chromium over the real binary: every page, the main flows, hostile content, and the pictures that
//! the documentation shows. The steps stand in `crates/server/console/test`.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use crate::Desk;
use crate::intake::Up;
use crate::up::{address, count, until};

/// Where `tools/console` stands, where it can run.
fn tool() -> Option<String> {
    let missing = ["node", "npm", "flock"].into_iter().find(|name| {
        let ran = Command::new("sh").args(["-c", &format!("command -v {name}")]).output();
        !ran.is_ok_and(|ran| ran.status.success())
    });
    if let Some(missing) = missing {
        eprintln!("skipped: no {missing}; get it with: apt-get install nodejs npm util-linux");
        return None;
    }
    Some(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tools/console").to_owned())
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// That the packages cannot be installed here, which the tool says by this code.
fn is_out_of_reach(output: &Output) -> bool {
    let is_out = output.status.code() == Some(69);
    if is_out {
        eprintln!("skipped: {}", told(output));
    }
    is_out
}

#[test]
fn the_committed_pages_are_what_their_source_gives() {
    let Some(tool) = tool() else { return };
    let ran = Command::new(tool).arg("--check").output().unwrap();
    if is_out_of_reach(&ran) {
        return;
    }
    assert!(ran.status.success(), "{}", told(&ran));
}

#[test]
fn the_pages_of_the_demo_work_in_a_browser() {
    let Some(tool) = tool() else { return };
    if !Path::new("/usr/bin/chromium").exists() {
        eprintln!("skipped: no Chromium; get it with: apt-get install chromium");
        return;
    }
    let desk = Desk::new();
    let mut up = Up::start(&desk, &["--demo", "--data", "demo"]);
    let token = up.told("which is shown this once: ");
    let at = address(&mut up);
    let most = Duration::from_secs(400);
    // The flows need what the demo tells in its first minute: advice, an incident with evidence, an attack that was blocked.
    for (what, query) in [
        ("advice", "CastellanRecommendations | where State == 'Unhealthy' | count"),
        (
            "an alert of the gate",
            "SecurityAlert | where AlertName has 'attacked a model at the gate' | count",
        ),
        (
            "incidents",
            "SecurityIncident | summarize dcount(IncidentNumber) | where dcount_IncidentNumber > 2",
        ),
    ] {
        until(what, most, || count(&at, &token, query) > 0);
    }
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&tool);
        command.args(arguments).env("CONSOLE_URL", format!("http://{at}")).env("CONSOLE_TOKEN", &token);
        command.output().unwrap()
    };
    let ran = run(&["--test"]);
    if is_out_of_reach(&ran) {
        return;
    }
    let report = told(&ran);
    assert!(ran.status.success(), "{report}");
    let passed = report.lines().filter(|line| line.starts_with("ok ") && !line.contains("# SKIP")).count();
    assert!(passed >= 25, "{passed} steps ran: {report}");
    let pictures = desk.path("pictures");
    let ran = run(&["--pictures", &pictures.display().to_string()]);
    assert!(ran.status.success() && told(&ran).trim().is_empty(), "{}", told(&ran));
    for name in shown() {
        // A page without content compresses to less.
        let size = std::fs::metadata(pictures.join(&name)).map_or(0, |file| file.len());
        assert!(size > 20_000, "{name}: {size} bytes");
    }
    let (code, told) = up.end();
    assert!(code == Some(0) && !told.contains("panicked"), "{told}");
}

/// The pictures of pages that the documentation shows.
fn shown() -> Vec<String> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let mut pages: Vec<_> =
        std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.push(root.join("README.md"));
    let mut names = Vec::new();
    for page in pages.iter().filter(|page| page.extension().is_some_and(|kind| kind == "md")) {
        let text = std::fs::read_to_string(page).unwrap();
        for part in text.split("images/console-").skip(1) {
            names.push(format!("console-{}", part.split(')').next().unwrap()));
        }
    }
    assert!(names.len() > 8, "{names:?}");
    names
}
