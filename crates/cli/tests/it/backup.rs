//! A data folder as one file and back, and what the doctor says of it.

use std::fs;
use std::io::Write as _;

use serde_json::Value;

use crate::intake::Up;
use crate::{Desk, Ran};

fn filled() -> Desk {
    let desk = Desk::new();
    let rows = "{\"CorrelationId\":\"a\"}\n{\"CorrelationId\":\"b\"}\n";
    desk.file("rows.jsonl", rows);
    fs::create_dir(desk.path("d")).unwrap();
    let ran = desk.run(&["ingest", "SigninLogs", "rows.jsonl", "--lake", "d/lake"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    desk.file("d/exemptions.yaml", "exemptions: []\n");
    desk.file("d/rules/empty.txt", "");
    desk
}

fn count(desk: &Desk, lake: &str) -> String {
    desk.run(&["query", "SigninLogs | count", "--lake", lake, "--format", "csv"]).out
}

fn findings(ran: &Ran) -> Vec<(String, String)> {
    let told: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"));
    let word = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    told["findings"].as_array().unwrap().iter().map(|one| (word(one, "what"), word(one, "state"))).collect()
}

fn state(ran: &Ran, what: &str) -> String {
    findings(ran).into_iter().find(|(found, _)| found == what).unwrap_or_else(|| panic!("{what}: {ran:?}")).1
}

#[test]
fn what_was_backed_up_comes_back() {
    let desk = filled();
    let before = count(&desk, "d/lake");
    let ran = desk.run(&["backup", "--data", "d", "--output", "b.zip"]);
    assert!(ran.code == 0 && ran.err.contains("files with"), "{ran:?}");
    let ran = desk.run(&["restore", "b.zip", "--check"]);
    assert!(ran.code == 0 && ran.err.contains("the backup is whole"), "{ran:?}");
    let ran = desk.run(&["restore", "b.zip", "--data", "e"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(count(&desk, "e/lake"), before);
    assert_eq!(desk.read("e/exemptions.yaml"), desk.read("d/exemptions.yaml"));
    // It takes further events.
    let ran = desk.run(&["ingest", "SigninLogs", "rows.jsonl", "--lake", "e/lake"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |name: &str| fs::metadata(desk.path(name)).unwrap().permissions().mode() & 0o077;
        assert_eq!([mode("b.zip"), mode("e"), mode("e/exemptions.yaml")], [0, 0, 0]);
    }
    assert!(!desk.path("e.restoring").exists() && !desk.path("b.partial").exists());
}

#[test]
fn nothing_is_written_over_and_nothing_is_half_done() {
    let desk = filled();
    assert_eq!(desk.run(&["backup", "--data", "d", "--output", "b.zip"]).code, 0);
    let ran = desk.run(&["backup", "--data", "d", "--output", "b.zip"]);
    assert!(ran.code == 2 && ran.err.contains("there is a file already"), "{ran:?}");
    let ran = desk.run(&["backup", "--data", "d", "--output", "d/b.zip"]);
    assert!(ran.code == 2 && ran.err.contains("in the folder that is backed up"), "{ran:?}");
    let ran = desk.run(&["backup", "--data", "absent", "--output", "c.zip"]);
    assert!(ran.code == 2 && ran.err.contains("absent"), "{ran:?}");
    let ran = desk.run(&["restore", "b.zip", "--data", "d"]);
    assert!(ran.code == 2 && ran.err.contains("there is something in"), "{ran:?}");
    let ran = desk.run(&["restore", "rows.jsonl", "--data", "e"]);
    assert!(ran.code == 2 && ran.err.contains("no backup"), "{ran:?}");
    // One byte anywhere that is not as it was: the restored folder does not come to be.
    let whole = fs::read(desk.path("b.zip")).unwrap();
    let mut refused = 0;
    for place in (64..whole.len()).step_by(whole.len() / 24) {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x55;
        fs::write(desk.path("damaged.zip"), &damaged).unwrap();
        let ran = desk.run(&["restore", "damaged.zip", "--data", "e"]);
        refused += usize::from(ran.code == 2);
        assert_eq!(ran.code == 2, !desk.path("e").exists(), "{place}: {ran:?}");
        let _ = fs::remove_dir_all(desk.path("e"));
    }
    // A date in a header may differ and nothing is lost by it; nearly everything else counts.
    assert!(refused >= 18, "{refused}");
    fs::write(desk.path("cut.zip"), &whole[..whole.len() / 2]).unwrap();
    assert_eq!(desk.run(&["restore", "cut.zip", "--data", "e"]).code, 2);
}

#[test]
fn a_backup_of_others_leads_nowhere() {
    let desk = Desk::new();
    let archive = |files: &[(&str, &str)]| {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, text) in files {
            zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    };
    let hash = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"; // Of nothing.
    let manifest = |format: u32, path: &str| {
        format!(
            r#"{{"format":{format},"program":"9.9","made":"2026-11-22","files":[{{"path":"{path}","bytes":0,"blake3":"{hash}"}}]}}"#
        )
    };
    let tries: [(&str, String, &str, &str); 4] = [
        ("../out", manifest(1, "../out"), "../out", "no path of a data folder"),
        ("a", manifest(2, "a"), "a", "restore it with that version"),
        ("b", manifest(1, "a"), "a", "does not list"),
        ("a", manifest(1, "lake/lock"), "b", "does not list"),
    ];
    for (stored, manifest, _, told) in &tries {
        fs::write(desk.path("x.zip"), archive(&[(stored, ""), ("manifest.json", manifest)])).unwrap();
        let ran = desk.run(&["restore", "x.zip", "--data", "e"]);
        assert!(ran.code == 2 && ran.err.contains(told), "{told}: {ran:?}");
        assert!(!desk.path("e").exists() && !desk.path("../out").exists());
    }
}

#[test]
fn a_running_server_is_not_copied_and_the_doctor_asks_it() {
    let desk = filled();
    let mut up = Up::start(&desk, &["--lake", "d/lake"]);
    let address = up.told("castellan is up at http://");
    let address = address.split(';').next().unwrap().to_owned();
    let ran = desk.run(&["backup", "--data", "d", "--output", "b.zip"]);
    assert!(ran.code == 2 && ran.err.contains("stop it"), "{ran:?}");
    assert!(!desk.path("b.zip").exists() && !desk.path("b.partial").exists());
    let ran = desk.run(&["doctor", "--data", "d", "--listen", &address]);
    assert_eq!(state(&ran, "server"), "fine", "{ran:?}");
    let ran = desk.run(&["doctor", "--data", "d", "--listen", "127.0.0.1:1"]);
    assert_eq!((ran.code, state(&ran, "server").as_str()), (1, "wrong"), "{ran:?}");
    up.end();
}

#[test]
fn the_doctor_says_what_is_wrong_and_what_to_do() {
    let desk = filled();
    let doctor = |more: &[&str]| {
        let arguments: Vec<&str> =
            ["doctor", "--data", "d", "--listen", "127.0.0.1:1"].iter().chain(more).copied().collect();
        desk.run(&arguments)
    };
    #[cfg(unix)]
    std::os::unix::fs::PermissionsExt::set_mode(
        &mut fs::metadata(desk.path("d")).unwrap().permissions(),
        0o700,
    );
    let ran = doctor(&[]);
    assert!(ran.code == 0 && ran.err.is_empty(), "{ran:?}");
    for what in ["program", "lake", "exemptions", "administrator"] {
        assert_eq!(state(&ran, what), "fine", "{ran:?}");
    }
    assert!(ran.out.contains("with 2 rows"), "{ran:?}");
    assert_eq!(doctor(&["--quiet"]).out, "");
    desk.file("d/castellan.toml", "[gate]\nlisten = \"127.0.0.1:8800\"\nunknown = 1\n");
    desk.file("d/exemptions.yaml", "exemptions: 3\n");
    desk.file("d/response.toml", "hosts = 3\n");
    desk.file("d/administrator.json", "{}");
    desk.file("d/rules/bad.yaml", "id: 1\nname: x\nquery: 'SigninLogs | where'\n");
    let ran = doctor(&[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    for what in ["gate", "exemptions", "playbooks", "administrator", "rules"] {
        assert_eq!(state(&ran, what), "wrong", "{ran:?}");
    }
    // Where it stands is told.
    assert!(ran.out.contains("line 3") || ran.out.contains("castellan.toml:3"), "{ran:?}");
    let quiet = doctor(&["--quiet"]);
    assert!(quiet.code == 1 && quiet.out.contains("WRONG") && !quiet.out.contains("program"), "{quiet:?}");
    let ran = desk.run(&["doctor", "--data", "absent", "--listen", "127.0.0.1:1"]);
    assert_eq!((ran.code, state(&ran, "data folder").as_str()), (0, "warning"));
}
