use std::path::Path;
use std::process::Command;

use castellan_posture::assess;
use castellan_posture::fix::write_patches;
use castellan_testkit::MemorySystem;

use crate::support::{TEMPLATE, assess_template, content, options, read, verdicts};

#[test]
fn the_patched_template_scans_clean() {
    let system = MemorySystem::default().with_file("infra/main.json", TEMPLATE);
    let estate = read(&system, &["infra"]);
    let before = assess(&estate, &content(), None, &options());
    let outcome = write_patches(&system, Path::new("fixes"), &before, &estate).unwrap();
    assert!(outcome.not_patched.is_empty(), "{:?}", outcome.not_patched);
    assert_eq!(outcome.patched[0].fixes.len(), 4);
    let patched = String::from_utf8(system.file("fixes/infra/main.json").unwrap()).unwrap();
    assert!(patched.contains("\"networkAcls\": { \"defaultAction\": \"Deny\" }"), "{patched}");
    assert_eq!(patched.lines().next(), TEMPLATE.lines().next());
    let after = assess(&read(&system, &["fixes/infra"]), &content(), None, &options());
    assert_eq!(verdicts(&after), ["key-access unclear unknown"]);
}

#[test]
fn git_takes_the_patch() {
    let folder = tempfile_folder();
    std::fs::create_dir_all(folder.join("infra")).unwrap();
    std::fs::write(folder.join("infra/main.json"), TEMPLATE).unwrap();
    let system = MemorySystem::default().with_file("infra/main.json", TEMPLATE);
    let estate = read(&system, &["infra"]);
    let before = assess(&estate, &content(), None, &options());
    let outcome = write_patches(&system, Path::new("fixes"), &before, &estate).unwrap();
    std::fs::write(folder.join("p.patch"), &outcome.patched[0].patch).unwrap();
    let Ok(status) = Command::new("git").args(["apply", "p.patch"]).current_dir(&folder).status() else {
        eprintln!("skipped: git not found");
        return;
    };
    assert!(status.success());
    assert_eq!(std::fs::read_to_string(folder.join("infra/main.json")).unwrap(), outcome.patched[0].text);
    std::fs::remove_dir_all(folder).unwrap();
}

fn tempfile_folder() -> std::path::PathBuf {
    std::env::temp_dir().join(format!("castellan-posture-fixes-{}", std::process::id()))
}

#[test]
fn what_cannot_be_patched_is_said() {
    let template = TEMPLATE.replace("\"properties\": {}", "\"properties\": \"[json('{}')]\"");
    let system = MemorySystem::default().with_file("infra/main.json", &template);
    let estate = read(&system, &["infra"]);
    let before = assess(&estate, &content(), None, &options());
    let outcome = write_patches(&system, Path::new("fixes"), &before, &estate).unwrap();
    assert_eq!(outcome.not_patched.len(), 2);
    assert!(outcome.not_patched[0].reason.contains("[json('{}')]"), "{}", outcome.not_patched[0].reason);
    let leftover = String::from_utf8(system.file("fixes/not-patched.md").unwrap()).unwrap();
    assert!(leftover.contains("```bicep") && leftover.contains("azurerm_cognitive_account"), "{leftover}");
}

#[test]
fn nothing_is_written_outside_the_folder() {
    let system = MemorySystem::default().with_file("/elsewhere/main.json", TEMPLATE);
    let estate = read(&system, &["/elsewhere"]);
    let before = assess(&estate, &content(), None, &options());
    let outcome = write_patches(&system, Path::new("/out"), &before, &estate).unwrap();
    assert!(!outcome.written.is_empty() && outcome.written.iter().all(|path| path.starts_with("/out")));
}

#[test]
fn proposals_quote_hostile_names() {
    let template = TEMPLATE.replace("\"name\": \"bad\"", "\"name\": \"b'$(id)\\\"${x}\"");
    let (estate, assessment) = assess_template(&template);
    let report = castellan_posture::Report::new(&assessment, &estate);
    let found =
        assessment.findings.iter().find(|found| found.finding.resource.name().starts_with("b'")).unwrap();
    let proposal = report.proposal(found).unwrap();
    assert!(proposal.az.contains("'\\''$(id)\"${x}'"), "{}", proposal.az);
    assert!(proposal.bicep.contains("'b\\'\\$(id)\"\\${x}'"), "{}", proposal.bicep);
}
