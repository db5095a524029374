//! The house rules that no compiler knows.
//!
//! * A crate uses only crates on lower floors.
//! * Versions and features stand in the workspace table, and every dependency there has its line in `ARCHITECTURE.md`.
//! * Every licence in the build is permissive.
//! * Rust source is ASCII; crates take the workspace's lints.
//! * Generated documentation is fresh.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::metadata::{Package, packages};
use crate::{generate, read, say};

/// Licences that put no condition on what is built with the code but notice.
const PERMISSIVE: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    // The licence of bzip2 itself: BSD's terms in other words.
    "bzip2-1.0.6",
];

/// Runs every check and reports all that is wrong at once.
pub(crate) fn run(root: &Path) -> Result<()> {
    let packages = packages(root)?;
    let mut problems = Vec::new();
    floors(&packages, &mut problems);
    licences(&packages, &mut problems);
    manifests(root, &packages, &mut problems)?;
    sources(root, &mut problems)?;
    problems.extend(generate::stale(root)?);
    if problems.is_empty() {
        say(&format!("tidy: {} packages, nothing to mend", packages.len()));
        return Ok(());
    }
    bail!("{} problems:\n  {}", problems.len(), problems.join("\n  "))
}

/// What a floor may use. `beside` crates (test servers, chores) may use everything and be used by tests alone.
fn floor(package: &Package) -> Option<u64> {
    match &package.floor {
        Value::Number(number) => number.as_u64(),
        Value::String(beside) if beside == "beside" => Some(u64::MAX),
        _ => None,
    }
}

fn floors(packages: &[Package], problems: &mut Vec<String>) {
    let members: Vec<&Package> = packages.iter().filter(|package| package.is_member).collect();
    for package in &members {
        let Some(own) = floor(package) else {
            problems.push(format!("{}: no `package.metadata.castellan.floor`", package.name));
            continue;
        };
        for (name, kind) in &package.dependencies {
            let Some(dependency) = members.iter().find(|member| member.name == *name) else { continue };
            let Some(below) = floor(dependency) else { continue };
            let is_test_only = kind.as_deref() == Some("dev");
            // `expression` stands on `base`: the one step inside the ground floor.
            let ground_step = own == 0 && name == "castellan-base";
            if below >= own && !is_test_only && !ground_step {
                problems.push(format!("{}: uses {name}, which is not on a lower floor", package.name));
            }
        }
    }
}

fn licences(packages: &[Package], problems: &mut Vec<String>) {
    for package in packages {
        let Some(licence) = &package.license else {
            problems.push(format!("{} {}: no licence stated", package.name, package.version));
            continue;
        };
        match spdx::Expression::parse_mode(licence, spdx::ParseMode::LAX) {
            Ok(expression) if expression.evaluate(is_permissive) => {}
            Ok(_) => {
                problems.push(format!("{} {}: `{licence}` is not permissive", package.name, package.version))
            }
            Err(error) => problems.push(format!("{}: licence `{licence}`: {}", package.name, error.reason)),
        }
    }
}

fn is_permissive(requirement: &spdx::LicenseReq) -> bool {
    requirement.license.id().is_some_and(|id| PERMISSIVE.contains(&id.name))
}

fn manifests(root: &Path, packages: &[Package], problems: &mut Vec<String>) -> Result<()> {
    let workspace: toml::Table = read(&root.join("Cargo.toml"))?.parse()?;
    let architecture = read(&root.join("ARCHITECTURE.md"))?;
    let table = workspace
        .get("workspace")
        .and_then(|workspace| workspace.get("dependencies"))
        .and_then(toml::Value::as_table)
        .context("no [workspace.dependencies]")?;
    for name in table.keys().filter(|name| !name.starts_with("castellan-")) {
        if !architecture.contains(&format!("`{name}`")) {
            problems.push(format!("ARCHITECTURE.md: no line for the dependency `{name}`"));
        }
    }
    for package in packages.iter().filter(|package| package.is_member) {
        let manifest: toml::Table = read(&package.manifest)?.parse()?;
        manifest_rules(&package.name, &manifest, problems);
    }
    Ok(())
}

fn manifest_rules(name: &str, manifest: &toml::Table, problems: &mut Vec<String>) {
    let takes_lints = manifest.get("lints").and_then(|lints| lints.get("workspace"));
    if takes_lints.and_then(toml::Value::as_bool) != Some(true) {
        problems.push(format!("{name}: `[lints] workspace = true` is missing"));
    }
    for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let Some(dependencies) = manifest.get(section).and_then(toml::Value::as_table) else { continue };
        for (dependency, how) in dependencies {
            let from_table = how.get("workspace").and_then(toml::Value::as_bool) == Some(true);
            let adds_features = how.get("features").is_some();
            if !from_table || adds_features {
                problems.push(format!(
                    "{name}: `{dependency}` in [{section}] has to be `{dependency}.workspace = true` and nothing more"
                ));
            }
        }
    }
}

fn sources(root: &Path, problems: &mut Vec<String>) -> Result<()> {
    let mut files = Vec::new();
    rust_files(&root.join("crates"), &mut files)?;
    for file in files {
        let text = read(&file)?;
        if let Some(line) = text.lines().position(|line| !line.is_ascii()) {
            let shown = file.strip_prefix(root).unwrap_or(&file).display().to_string();
            problems.push(format!("{shown}:{}: Rust source is ASCII; write `\\u{{...}}`", line + 1));
        }
    }
    Ok(())
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            rust_files(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_tidy() {
        run(&crate::root()).unwrap();
    }

    fn package(name: &str, floor: Value, dependencies: &[&str]) -> Package {
        Package {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            manifest: PathBuf::new(),
            license: Some("MIT".to_owned()),
            is_member: true,
            floor,
            dependencies: dependencies.iter().map(|name| ((*name).to_owned(), None)).collect(),
        }
    }

    #[test]
    fn a_higher_floor_is_refused() {
        let packages = [package("low", 1.into(), &["high"]), package("high", 2.into(), &["low"])];
        let mut problems = Vec::new();
        floors(&packages, &mut problems);
        assert_eq!(problems, ["low: uses high, which is not on a lower floor"]);
    }

    #[test]
    fn a_copyleft_licence_is_refused() {
        let mut copyleft = package("x", 1.into(), &[]);
        let verdict = |licence: &str, package: &mut Package| {
            package.license = Some(licence.to_owned());
            let mut problems = Vec::new();
            licences(std::slice::from_ref(package), &mut problems);
            problems.len()
        };
        assert_eq!(verdict("GPL-3.0-only", &mut copyleft), 1);
        assert_eq!(verdict("MPL-2.0", &mut copyleft), 1);
        assert_eq!(verdict("MIT/Apache-2.0", &mut copyleft), 0);
        assert_eq!(verdict("GPL-2.0 OR MIT", &mut copyleft), 0);
        assert_eq!(verdict("ISC AND GPL-2.0", &mut copyleft), 1);
    }

    #[test]
    fn versions_outside_the_table_are_refused() {
        let manifest: toml::Table =
            "[lints]\nworkspace = true\n[dependencies]\nserde = \"1\"\n".parse().unwrap();
        let mut problems = Vec::new();
        manifest_rules("x", &manifest, &mut problems);
        assert_eq!(problems.len(), 1);
    }
}
