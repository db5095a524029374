//! Servers that are programs: started from the configuration alone, one for each client's session, a message a line.
//!
//! One request is under way in a program at a time, under a number that the gate gives it: an answer that comes too late
//! for its client is never taken for another one's. What a client answers to a program's own question is written at once.
//! A program that ends is started again with the next request, later the more often it has failed. What it writes to
//! standard error is read, so that it does not block, and thrown away.

use std::collections::{BTreeMap, HashMap};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use castellan_mcp::json::Limits;
use castellan_mcp::message::{Id, Message};
use castellan_mcp::proxy::Outgoing;
use castellan_mcp::transport::{LineReader, line};
use futures_util::StreamExt as _;
use futures_util::stream::{once, unfold};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::{OwnedMutexGuard, mpsc};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::{For, Heard, McpBounds, Piece, Pieces};

/// Most messages that wait to be read or written.
const QUEUE: usize = 256;
/// The pause after a first failure; it doubles with each further one.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
const LONGEST: Duration = Duration::from_mins(1);
/// How much of what a program writes to standard error is read at once.
const PIECE: usize = 2048;

/// How a program is started.
pub(super) struct Start<'a> {
    pub(super) program: &'a str,
    pub(super) arguments: &'a [String],
    pub(super) environment: BTreeMap<String, String>,
    pub(super) path: Option<String>,
}

/// Principal, session, server.
type Key = (String, String, String);

#[derive(Debug, Default)]
struct Held {
    running: HashMap<Key, Arc<Program>>,
    /// How often the program of a server has failed for a principal, and before when it is not started again.
    failures: HashMap<(String, String), (u32, Instant)>,
}

/// Programs that run.
#[derive(Debug)]
pub(super) struct Programs {
    bounds: McpBounds,
    held: Arc<Mutex<Held>>,
}

type Inbox = mpsc::Receiver<Result<Vec<u8>, String>>;

#[derive(Debug)]
struct Program {
    writer: mpsc::Sender<Vec<u8>>,
    inbox: Arc<tokio::sync::Mutex<Inbox>>,
    next: AtomicU64,
    used: Mutex<Instant>,
    is_over: Arc<AtomicBool>,
    task: AbortHandle,
}

impl Drop for Program {
    fn drop(&mut self) {
        // The task owns the process, which is killed with it.
        self.task.abort();
    }
}

impl Programs {
    pub(super) fn new(bounds: McpBounds) -> Programs {
        Programs { bounds, held: Arc::default() }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a message, and gives what comes of it.
    pub(super) async fn ask(
        &self,
        outgoing: &Outgoing,
        whom: &For,
        start: Start<'_>,
    ) -> Result<Pieces, String> {
        let program = self.program(&outgoing.server, whom, start)?;
        let server = outgoing.server.clone();
        let silence = Duration::from_millis(self.bounds.silence_ms);
        if !outgoing.answered {
            program.write(&outgoing.body).await?;
            let heard = Heard::Message(Vec::new(), None);
            let piece = Piece { server, status: 202, session: None, heard };
            return Ok(once(async { piece }).boxed());
        }
        let inbox = timeout(silence, Arc::clone(&program.inbox).lock_owned()).await;
        let inbox = inbox.map_err(|_| "its program is busy with other requests".to_owned())?;
        let number = program.next.fetch_add(1, Ordering::Relaxed);
        let (sent, own) = with_id(&outgoing.body, &number.to_string()).ok_or("a request without an id")?;
        let held = Arc::clone(&self.held);
        let principal = whom.principal.clone();
        let turn =
            Turn { inbox, program, number, own, is_over: false, server, principal, wait: silence, held };
        turn.program.write(&sent).await?;
        Ok(turn.pieces())
    }

    /// The program that runs for somebody, or one that is started.
    fn program(&self, server: &str, whom: &For, start: Start<'_>) -> Result<Arc<Program>, String> {
        let key = (whom.principal.clone(), whom.session.clone(), server.to_owned());
        let mut held = self.held();
        let now = Instant::now();
        if let Some(program) = held.running.get(&key) {
            if !program.is_over.load(Ordering::Acquire) {
                *program.used.lock().unwrap_or_else(PoisonError::into_inner) = now;
                return Ok(Arc::clone(program));
            }
            held.running.remove(&key);
        }
        let failed = held.failures.get(&(whom.principal.clone(), server.to_owned()));
        if let Some((count, until)) = failed.filter(|(_, until)| *until > now) {
            let seconds = until.duration_since(now).as_secs() + 1;
            return Err(format!("its program has failed {count} times; it is started again in {seconds} s"));
        }
        if held.running.len() >= self.bounds.programs {
            let is_idle = |program: &Arc<Program>| program.inbox.try_lock().is_ok();
            let idle = held.running.iter().filter(|(_, program)| is_idle(program));
            let used = |program: &Arc<Program>| *program.used.lock().unwrap_or_else(PoisonError::into_inner);
            let oldest = idle.min_by_key(|(_, program)| used(program)).map(|(key, _)| key.clone());
            let oldest = oldest.ok_or("too many programs run; see `bounds.programs`")?;
            held.running.remove(&oldest);
        }
        match Program::start(start, self.bounds.answer_bytes) {
            Ok(program) => {
                let program = Arc::new(program);
                held.running.insert(key, Arc::clone(&program));
                Ok(program)
            }
            Err(why) => {
                count(&mut held, &whom.principal, server);
                Err(why)
            }
        }
    }

    /// A server failed for somebody: its program is ended, and started again after a pause.
    pub(super) fn failed(&self, server: &str, whom: &For) {
        let mut held = self.held();
        let key = (whom.principal.clone(), whom.session.clone(), server.to_owned());
        if held.running.remove(&key).is_some() {
            count(&mut held, &whom.principal, server);
        }
    }

    /// A session is over.
    pub(super) fn end(&self, principal: &str, session: &str) {
        self.held().running.retain(|key, _| key.0 != principal || key.1 != session);
    }

    /// Ends programs that nobody has used for long.
    pub(super) fn reap(&self) {
        let idle = Duration::from_millis(self.bounds.idle_ms);
        let mut held = self.held();
        // What has failed long ago is forgiven.
        held.failures.retain(|_, (_, until)| until.elapsed() < LONGEST * 10);
        held.running.retain(|_, program| {
            let used = *program.used.lock().unwrap_or_else(PoisonError::into_inner);
            let is_busy = program.inbox.try_lock().is_err();
            !program.is_over.load(Ordering::Acquire) && (is_busy || used.elapsed() < idle)
        });
    }
}

fn count(held: &mut Held, principal: &str, server: &str) {
    let key = (principal.to_owned(), server.to_owned());
    let failed = held.failures.get(&key).map_or(0, |(count, _)| *count) + 1;
    let pause = PAUSE.saturating_mul(1 << (failed - 1).min(10)).min(LONGEST);
    held.failures.insert(key, (failed, Instant::now() + pause));
}

impl Program {
    // The one place where the gate starts programs that go on: `System::run` is for those that end. What is started stands
    // in the configuration, and nothing that a request says gets here but its message, on standard input.
    #[allow(clippy::disallowed_methods)]
    fn start(start: Start<'_>, most: usize) -> Result<Program, String> {
        let mut command = Command::new(start.program);
        command.args(start.arguments).env_clear().kill_on_drop(true);
        // The gate's own environment holds secrets.
        command.envs(start.path.map(|path| ("PATH", path))).envs(start.environment);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            command.spawn().map_err(|error| format!("its program cannot be started: {}", error.kind()))?;
        let (Some(input), Some(output), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err("its program has no standard streams".to_owned());
        };
        let (writer, lines) = mpsc::channel(QUEUE);
        let (heard, inbox) = mpsc::channel(QUEUE);
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let task = tokio::spawn(async move {
            let why = tokio::select! {
                why = read(output, &heard, most) => why,
                () = write(input, lines) => "nobody writes to it".to_owned(),
                () = drain(errors) => "it never comes to this".to_owned(),
            };
            over.store(true, Ordering::Release);
            let why = format!("{why}{}", ended(&mut child).await);
            // Nobody may wait for it.
            let _ = heard.try_send(Err(why));
        });
        Ok(Program {
            writer,
            inbox: Arc::new(tokio::sync::Mutex::new(inbox)),
            next: AtomicU64::new(1),
            used: Mutex::new(Instant::now()),
            is_over,
            task: task.abort_handle(),
        })
    }

    async fn write(&self, message: &[u8]) -> Result<(), String> {
        self.writer.send(line(message)).await.map_err(|_| "its program has ended".to_owned())
    }
}

async fn read(mut output: ChildStdout, heard: &mpsc::Sender<Result<Vec<u8>, String>>, most: usize) -> String {
    let mut reader = LineReader::new(most);
    let mut buffer = vec![0_u8; 32 << 10];
    loop {
        let length = match output.read(&mut buffer).await {
            Ok(0) => return "its program has ended".to_owned(),
            Ok(length) => length,
            Err(error) => return format!("its program cannot be read: {error}"),
        };
        match reader.push(buffer.get(..length).unwrap_or_default()) {
            Err(error) => return error.to_string(),
            Ok(lines) => {
                for line in lines {
                    if heard.send(Ok(line)).await.is_err() {
                        return "nobody reads what it says".to_owned();
                    }
                }
            }
        }
    }
}

async fn write(mut input: ChildStdin, mut lines: mpsc::Receiver<Vec<u8>>) {
    while let Some(line) = lines.recv().await {
        if input.write_all(&line).await.is_err() || input.flush().await.is_err() {
            // What it still says is read to its end.
            return std::future::pending().await;
        }
    }
}

/// Reads what a program writes to standard error, so that it can go on.
async fn drain(mut errors: ChildStderr) {
    let mut buffer = [0_u8; PIECE];
    while errors.read(&mut buffer).await.is_ok_and(|length| length > 0) {}
    std::future::pending().await
}

/// How a program ended, after a moment to do so by itself.
async fn ended(child: &mut Child) -> String {
    match timeout(Duration::from_millis(500), child.wait()).await {
        Ok(Ok(status)) => format!(" ({status})"),
        _ => {
            let _ = child.start_kill();
            String::new()
        }
    }
}

/// A message with another id, and the id that it had.
fn with_id(message: &[u8], id: &str) -> Option<(Vec<u8>, String)> {
    let limits = Limits { bytes: message.len(), ..Limits::default() };
    let parsed = Message::parse(message, &limits).ok()?;
    let (own, span) = (parsed.id()?.to_json(), parsed.root().get("id")?.span);
    let mut sent = message.get(..span.start)?.to_vec();
    sent.extend_from_slice(id.as_bytes());
    sent.extend_from_slice(message.get(span.end..)?);
    Some((sent, own))
}

/// A request that is under way in a program.
struct Turn {
    inbox: OwnedMutexGuard<Inbox>,
    program: Arc<Program>,
    number: u64,
    /// The id that the request has.
    own: String,
    is_over: bool,
    server: String,
    principal: String,
    wait: Duration,
    held: Arc<Mutex<Held>>,
}

impl Turn {
    fn pieces(self) -> Pieces {
        unfold(self, |mut turn| async move {
            let heard = turn.next().await?;
            Some((Piece { server: turn.server.clone(), status: 200, session: None, heard }, turn))
        })
        .boxed()
    }

    async fn next(&mut self) -> Option<Heard> {
        loop {
            if self.is_over {
                return None;
            }
            let said = match timeout(self.wait, self.inbox.recv()).await {
                Err(_) => Err("its program was silent for too long".to_owned()),
                Ok(None) => Err("its program has ended".to_owned()),
                Ok(Some(said)) => said,
            };
            let said = match said {
                Ok(said) => said,
                Err(why) => return Some(self.broken(why)),
            };
            let limits = Limits { bytes: said.len(), ..Limits::default() };
            let Ok(message) = Message::parse(&said, &limits) else {
                return Some(self.broken("its program wrote a line that is no message".to_owned()));
            };
            if !message.is_answer() {
                return Some(Heard::Message(said, None));
            }
            let is_own = message.id().is_some_and(|id| *id == Id::Number(self.number.to_string().into()));
            if !is_own {
                // The answer to a request that its client gave up.
                continue;
            }
            self.is_over = true;
            let key = (self.principal.clone(), self.server.clone());
            self.held.lock().unwrap_or_else(PoisonError::into_inner).failures.remove(&key);
            return Some(match with_id(&said, &self.own) {
                Some((answer, _)) => Heard::Message(answer, None),
                None => self.broken("its answer has no id".to_owned()),
            });
        }
    }

    fn broken(&mut self, why: String) -> Heard {
        self.is_over = true;
        Heard::Broken(why)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.is_over {
            let number = self.number;
            let told = format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{number},"reason":"the client has gone"}}}}"#
            );
            // A program that reads nothing is not told either.
            let _ = self.program.writer.try_send(line(told.as_bytes()));
        }
    }
}
