//! What `cargo metadata` says of the workspace and its dependencies.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// One package of the build.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) manifest: PathBuf,
    pub(crate) license: Option<String>,
    pub(crate) is_member: bool,
    /// `package.metadata.castellan.floor`, as JSON.
    pub(crate) floor: Value,
    /// Names and kinds (`null` for normal, `dev`, `build`) of direct dependencies.
    pub(crate) dependencies: Vec<(String, Option<String>)>,
}

/// All packages that the lock file names for any platform.
#[allow(clippy::disallowed_methods)] // Cargo is asked about itself.
pub(crate) fn packages(root: &Path) -> Result<Vec<Package>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = std::process::Command::new(cargo)
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--filter-platform",
            "x86_64-unknown-linux-gnu",
        ])
        .current_dir(root)
        .output()
        .context("cannot run `cargo metadata`")?;
    if !output.status.success() {
        bail!("`cargo metadata --locked` failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let members: Vec<&str> = strings(metadata.get("workspace_members"));
    let packages = metadata.get("packages").and_then(Value::as_array).context("no packages")?;
    Ok(packages.iter().map(|package| read(package, &members)).collect())
}

fn strings(value: Option<&Value>) -> Vec<&str> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

fn read(package: &Value, members: &[&str]) -> Package {
    let text = |key: &str| package.get(key).and_then(Value::as_str).map(str::to_owned);
    let dependencies = package.get("dependencies").and_then(Value::as_array).into_iter().flatten();
    let dependency = |value: &Value| {
        let name = value.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        (name, value.get("kind").and_then(Value::as_str).map(str::to_owned))
    };
    Package {
        name: text("name").unwrap_or_default(),
        version: text("version").unwrap_or_default(),
        manifest: text("manifest_path").unwrap_or_default().into(),
        license: text("license"),
        is_member: text("id").is_some_and(|id| members.contains(&id.as_str())),
        floor: package.pointer("/metadata/castellan/floor").cloned().unwrap_or(Value::Null),
        dependencies: dependencies.map(dependency).collect(),
    }
}
