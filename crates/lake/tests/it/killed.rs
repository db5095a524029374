//! Eight clients, and a process that is killed at any moment.
//!
//! `CASTELLAN_TORTURE_EVENTS` says how many events there are; `cargo xtask torture` takes two million.
#![expect(clippy::disallowed_methods, reason = "a process is started in order to be killed")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use castellan_base::{OsSystem, System as _};
use castellan_lake::{Append, Error, Form, Key, Lake, Options};

use crate::faults::Dice;
use crate::support::{Outcome, open, query};

const CLIENTS: usize = 8;
/// Events of a call.
const CALL: usize = 100;
/// How often the process is killed.
const KILLS: usize = 10;

fn number(name: &str) -> Option<usize> {
    OsSystem.env(name).and_then(|text| text.parse().ok())
}

/// Calls of each client.
fn calls() -> usize {
    number("CASTELLAN_TORTURE_EVENTS").unwrap_or(40_000) / (CLIENTS * CALL)
}

fn rows(client: usize, call: usize) -> String {
    let row = |at: usize| {
        format!(
            "{{\"CorrelationId\":\"{client}-{call}-{at}\",\"ResultType\":\"{}\",\"UserPrincipalName\":\"user{}@example.com\"}}\n",
            at % 7,
            call % 1_000
        )
    };
    (0..CALL).map(row).collect()
}

/// What a client of the process does: it sends its calls from one on, and says of each when it is acknowledged.
async fn send(lake: &Lake, client: usize, from: usize) -> Result<(), Error> {
    for call in from..calls() {
        let key = Key::of(&[&client.to_le_bytes(), &call.to_le_bytes()]);
        loop {
            let how = Append { key: Some(key), ..Append::default() };
            match lake.append("SigninLogs", rows(client, call).as_bytes(), Form::Lines, how).await {
                Err(Error::Busy { .. }) => tokio::time::sleep(Duration::from_millis(20)).await,
                appended => break appended.map(|_| ())?,
            }
        }
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout().lock(), "acknowledged {client} {call}");
    }
    Ok(())
}

/// The process that is killed. Its parent runs it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "its parent runs it"]
async fn child() -> Outcome {
    let Some(folder) = OsSystem.env("CASTELLAN_TORTURE_FOLDER") else { return Ok(()) };
    let options = Options {
        flush_after: Duration::from_millis(100),
        flush_bytes: 2 << 20,
        disk_reserve: 0,
        ..Options::default()
    };
    let lake = Lake::open(Path::new(&folder), options).await?;
    let clients = (0..CLIENTS).map(|client| {
        let from = number(&format!("CASTELLAN_TORTURE_FROM_{client}")).unwrap_or(0);
        send(&lake, client, from)
    });
    futures_util::future::try_join_all(clients).await?;
    Ok(())
}

fn start(folder: &Path, from: &[usize]) -> std::io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["killed::child", "--exact", "--ignored", "--nocapture", "--test-threads", "1"]);
    command.env("CASTELLAN_TORTURE_FOLDER", folder);
    for (client, from) in from.iter().enumerate() {
        command.env(format!("CASTELLAN_TORTURE_FROM_{client}"), from.to_string());
    }
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
}

/// Follows a process until it ends; after so many acknowledgements it is killed. Tells whether it came to its end.
fn follow(
    mut child: Child,
    kill_after: Option<usize>,
    from: &mut [usize],
) -> Result<bool, Box<dyn std::error::Error>> {
    let output = child.stdout.take().ok_or("no output")?;
    let mut seen = 0;
    for line in BufReader::new(output).lines() {
        let line = line?;
        let mut words = line.split(' ').skip_while(|word| !word.ends_with("acknowledged")).skip(1);
        if let (Some(client), Some(call)) = (words.next(), words.next())
            && let (Ok(client), Ok(call)) = (client.parse::<usize>(), call.parse::<usize>())
            && let Some(next) = from.get_mut(client)
        {
            *next = call + 1;
            seen += 1;
            if Some(seen) == kill_after {
                // The end of the process, at whatever it is doing: SIGKILL. What it has said before is still read.
                child.kill()?;
            }
        }
    }
    Ok(child.wait()?.success())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_are_exact_however_often_the_process_is_killed() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut from = vec![0; CLIENTS];
    let mut dice = Dice(7);
    let slice = u64::try_from(CLIENTS * calls() / (KILLS + 1))?;
    for _ in 0..KILLS {
        let after = 1 + usize::try_from(dice.below(slice))?;
        let is_through = follow(start(folder.path(), &from)?, Some(after), &mut from)?;
        assert!(!is_through, "the process was through before it could be killed");
    }
    assert!(follow(start(folder.path(), &from)?, None, &mut from)?, "the last process failed");
    assert_eq!(from, vec![calls(); CLIENTS]);
    let lake = open(folder.path()).await?;
    assert_eq!(lake.damages(), Vec::<String>::new());
    let expected = (CLIENTS * calls() * CALL).to_string();
    let counted = query(&lake, "SigninLogs | summarize count(), count_distinct(CorrelationId)").await?;
    assert_eq!(counted, [[expected.clone(), expected]], "after {KILLS} kills");
    Ok(())
}
