//! Time that a thread was computing, which other programs on the machine do not change.

use std::time::Duration;

/// How long this thread has been computing. Where the system does not say it, nothing can be held to it, and that is told.
pub(crate) fn time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").ok()?;
    // The name of the program stands in brackets and may hold anything; behind it fields 14 and 15 are user and system
    // time, in hundredths of a second: proc_pid_stat(5).
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11).take(2).map_while(|field| field.parse::<u64>().ok());
    Some(Duration::from_millis(10 * (times.next()? + times.next()?)))
}

/// Runs something that may take so long and no longer.
pub(crate) fn within<T>(most: Duration, what: &str, run: impl FnOnce() -> T) -> T {
    let Some(before) = time() else {
        eprintln!("skipped: no processor time is known here, so that of {what} is not held to {most:?}");
        return run();
    };
    let made = run();
    let taken = time().unwrap_or(before).saturating_sub(before);
    assert!(taken <= most, "{what}: {taken:?}");
    made
}

#[test]
fn time_goes_on_with_work() {
    let Some(before) = time() else { return };
    let mut sum = 0_u64;
    while time().unwrap() < before + Duration::from_millis(30) {
        sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(7));
    }
}
