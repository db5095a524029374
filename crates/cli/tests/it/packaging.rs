//! What it is installed by: units, images and charts that their own tools find right, with arguments that the program takes.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::{Desk, repository};

/// A tool of `tools/clients`, or nothing where it is not installed.
fn tool(name: &str) -> Option<PathBuf> {
    let clients = std::env::var_os("CASTELLAN_CLIENTS").map(PathBuf::from);
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/castellan/clients"));
    let tool = clients.or_else(home)?.join("packaging/bin").join(name);
    if !tool.exists() {
        eprintln!("skipped: no `{name}`; run `tools/clients`, which installs it");
        return None;
    }
    Some(tool)
}

fn packaging() -> PathBuf {
    repository().join("packaging")
}

fn right(output: &Output) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
}

/// The program takes these arguments: an unknown one is told before help is given.
fn taken(arguments: &[&str]) {
    let desk = Desk::new();
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--help"]).collect();
    let ran = desk.run(&arguments);
    assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
}

#[test]
fn the_unit_is_right_and_exposes_little() {
    let unit = packaging().join("systemd/castellan.service");
    let text = std::fs::read_to_string(&unit).unwrap();
    let start = text.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/bin/castellan ")).unwrap();
    taken(&start.split(' ').collect::<Vec<_>>());
    if !Path::new("/usr/bin/systemd-analyze").exists() {
        eprintln!("skipped: no `systemd-analyze`; get it with: apt-get install systemd");
        return;
    }
    // It is verified with a program that is there.
    let desk = Desk::new();
    let program = env!("CARGO_BIN_EXE_castellan");
    let copy = desk.file("castellan.service", &text.replace("/usr/bin/castellan ", &format!("{program} ")));
    let analyze = || Command::new("/usr/bin/systemd-analyze");
    let verified = analyze().args(["verify", "--man=no"]).arg(&copy).output().unwrap();
    let told = String::from_utf8_lossy(&verified.stderr).into_owned();
    assert!(!told.contains("castellan.service"), "{told}");
    right(&analyze().args(["security", "--offline=true", "--threshold=20"]).arg(&copy).output().unwrap());
}

#[test]
fn the_image_is_made_as_it_should_be() {
    let file = packaging().join("Dockerfile");
    let text = std::fs::read_to_string(&file).unwrap();
    let command = text.lines().find_map(|line| line.strip_prefix("CMD ")).unwrap();
    let command: Vec<String> = serde_json::from_str(command).unwrap();
    taken(&command.iter().map(String::as_str).collect::<Vec<_>>());
    let health = text.lines().find_map(|line| line.strip_prefix("HEALTHCHECK ")).unwrap();
    let health: Vec<String> = serde_json::from_str(health.split_once("CMD ").unwrap().1).unwrap();
    assert_eq!(health.first().map(String::as_str), Some("/usr/bin/castellan"));
    taken(&health.iter().skip(1).map(String::as_str).collect::<Vec<_>>());
    let Some(hadolint) = tool("hadolint") else { return };
    right(&Command::new(hadolint).arg(file).output().unwrap());
}

#[test]
fn the_chart_gives_what_kubernetes_takes() {
    let (Some(helm), Some(validate)) = (tool("helm"), tool("kubernetes-validate")) else { return };
    let desk = Desk::new();
    let chart = packaging().join("helm/castellan");
    right(&Command::new(&helm).arg("lint").arg("--strict").arg(&chart).output().unwrap());
    let all = desk.file(
        "all.yaml",
        r#"
gate: { enabled: true, config: "[gate]\nlisten = \"0.0.0.0:8800\"\n" }
ingress: { enabled: true, host: castellan.example, className: nginx, tlsSecret: own }
tls: { existingSecret: own }
token: { existingSecret: token }
env: [{ name: MODEL_KEY, value: "1" }]
extraArgs: ["--syslog=0.0.0.0:6514"]
networkPolicy: { console: [{ podSelector: {} }], gate: [{ namespaceSelector: {} }] }
nodeSelector: { disk: fast }
"#,
    );
    let none = desk.file("none.yaml", "persistence: { enabled: false }\nnetworkPolicy: { enabled: false }\n");
    let claimed = desk.file("claimed.yaml", "persistence: { existingClaim: own }\n");
    for values in [None, Some(&all), Some(&none), Some(&claimed)] {
        let mut template = Command::new(&helm);
        template.arg("template").arg("trial").arg(&chart);
        if let Some(file) = values {
            template.arg("--values").arg(file);
        }
        let rendered = template.output().unwrap();
        right(&rendered);
        let file = desk.file("rendered.yaml", &String::from_utf8(rendered.stdout).unwrap());
        for version in ["1.27", "1.30", "1.37"] {
            let mut validated = Command::new(&validate);
            right(
                &validated.args(["--kubernetes-version", version, "--strict"]).arg(&file).output().unwrap(),
            );
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let (_, arguments) = text.split_once("          args:\n").unwrap();
        let arguments: Vec<&str> = arguments
            .lines()
            .map_while(|line| line.trim().strip_prefix("- "))
            .map(|word| word.trim_matches('"'))
            .collect();
        assert_eq!(arguments.first(), Some(&"up"), "{text}");
        taken(&arguments);
    }
    // What cannot run is refused before it is installed.
    let mut refused = Command::new(&helm);
    let refused = refused
        .arg("template")
        .arg("trial")
        .arg(&chart)
        .args(["--set", "gate.enabled=true"])
        .output()
        .unwrap();
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("gate.config"));
}
