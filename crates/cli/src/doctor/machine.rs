//! The program and the machine.

use std::path::Path;

use castellan_base::System;
use castellan_posture::Content;
use castellan_shield::Shield;

use super::Finding;

/// Least memory that everything together was measured to be at ease in, in KiB: 1 GiB.
const MEMORY: u64 = 1 << 20;
/// Fewest open files: connections, files of the lake, journals.
const FILES: u64 = 4_096;
/// Largest file of `/proc` that is read, in bytes.
const LARGEST: u64 = 1 << 16;

/// What is built in.
pub(super) fn program() -> Finding {
    const WHAT: &str = "program";
    let content = Content::embedded();
    if let Err(error) = Shield::builtin() {
        return Finding::wrong(
            WHAT,
            format!("the shield cannot be used: {error}"),
            "install the program again",
        );
    }
    let detectors = castellan_detectors::engine().rules().detectors.len();
    Finding::fine(
        WHAT,
        format!(
            "Castellan {}, with {} checks and {detectors} detectors",
            env!("CARGO_PKG_VERSION"),
            content.checks.len()
        ),
    )
}

/// How much memory there is, where the system says.
pub(super) fn memory(system: &dyn System) -> Option<Finding> {
    const WHAT: &str = "memory";
    let text = String::from_utf8(system.read(Path::new("/proc/meminfo"), LARGEST).ok()?).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let available: u64 = line.split_whitespace().next()?.parse().ok()?;
    let told = format!("{} MiB are free", available >> 10);
    Some(match available < MEMORY {
        true => Finding::warning(
            WHAT,
            told,
            "1 GiB and more lets queries and rules run without waiting for one another",
        ),
        false => Finding::fine(WHAT, told),
    })
}

/// How many files a process may open, where the system says.
pub(super) fn open_files(system: &dyn System) -> Option<Finding> {
    const WHAT: &str = "open files";
    let text = String::from_utf8(system.read(Path::new("/proc/self/limits"), LARGEST).ok()?).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let soft = line.split_whitespace().next()?;
    let told = format!("a process of this user may have {soft} open");
    let is_low = soft.parse().is_ok_and(|soft: u64| soft < FILES);
    Some(match is_low {
        true => Finding::warning(
            WHAT,
            told,
            format!("many clients need more: `ulimit -n {FILES}`, or LimitNOFILE= in the unit"),
        ),
        false => Finding::fine(WHAT, told),
    })
}

#[cfg(test)]
mod tests {
    use castellan_testkit::MemorySystem;

    use super::*;
    use crate::doctor::State;

    #[test]
    fn what_the_system_says_is_read() {
        let system = MemorySystem::default()
            .with_file("/proc/meminfo", "MemTotal: 1 kB\nMemAvailable:   524288 kB\n")
            .with_file(
                "/proc/self/limits",
                "Limit  Soft  Hard\nMax open files            1024    4096   files\n",
            );
        let found = memory(&system).unwrap();
        assert_eq!((found.state, found.told.as_str()), (State::Warning, "512 MiB are free"));
        assert_eq!(open_files(&system).unwrap().state, State::Warning);
        assert!(memory(&MemorySystem::default()).is_none());
        assert_eq!(program().state, State::Fine);
    }
}
