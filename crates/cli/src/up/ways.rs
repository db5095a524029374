//! The ways in which events come to the lake.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use axum::Router;
use castellan_base::{OsSystem, Sources, System, Ticks};
use castellan_detect::incident::correlate::Correlation;
use castellan_incident::Desk;
use castellan_lake::{Lake, Options};
use castellan_server::console::Hub;
use castellan_server::intake::folder::Folder;
use castellan_server::intake::syslog::{Bounds, Syslog, SyslogUdp};
use castellan_server::intake::{self, Rules, Tell};
use castellan_server::{Config, Gate, Server};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::analytics::Analytics;
use super::analytics::board::Board;
use super::baselines::Watched;
use super::intel::Intel;
use super::response::Responder;
use super::{bound, configured};
use crate::arguments::UpArguments;
use crate::estate::report;
use crate::gate;
use crate::incident::public_key;
use crate::lake::tell_damages;
use crate::output::{complain, inert_lines, read_text};

/// How long is waited for connections that still write to the lake when everything else has ended.
const LAST: Duration = Duration::from_secs(5);

/// How long is waited for something to send before it is looked again.
const AGAIN: Duration = Duration::from_secs(10);
/// How often it is looked which incidents were closed long ago.
const HOUR: Duration = Duration::from_secs(3_600);
/// The most bytes of a file of what makes alerts one incident.
const CORRELATION: u64 = 1 << 20;
/// How long incidents are at hand after they were closed, in ticks: 90 days.
const CLOSED_FOR: i64 = 90 * 24 * 3_600 * Ticks::PER_SECOND;

/// The lake, and what runs beside the server and writes to it.
pub(super) struct Ways {
    lake: Arc<Lake>,
    desk: Arc<Desk>,
    rules: Arc<Rules>,
    /// The gate for model traffic, and where it listens.
    opened: Option<(Arc<castellan_gateway::Gate>, SocketAddr)>,
    board: Arc<Board>,
    running: JoinSet<()>,
    /// Dropped when everything is to end.
    end: watch::Sender<()>,
}

impl Ways {
    /// Opens the lake, its incidents, the ways to it but those of the server, and the gate.
    pub(super) async fn open(
        folder: &Path,
        arguments: &UpArguments,
        config: &Config,
        gate: &Gate,
        system: &dyn System,
    ) -> Result<Ways> {
        let lake = Lake::open(folder, Options::default()).await?;
        tell_damages(&lake);
        let rules = match &arguments.rules {
            None => Rules::built_in(),
            Some(path) => {
                let named = || format!("the rules in {} cannot be read", path.display());
                let (rules, told) = Rules::open(path, &lake).await.with_context(named)?;
                told.iter().for_each(|line| complain(&inert_lines(line)));
                rules
            }
        };
        let desk =
            desk(&lake, arguments, system).await.context("the incidents of the lake cannot be opened")?;
        let (end, _) = watch::channel(());
        let (lake, rules) = (Arc::new(lake), Arc::new(rules));
        let mut ways = Ways {
            lake,
            desk: Arc::new(desk),
            rules,
            opened: None,
            board: Arc::default(),
            running: JoinSet::new(),
            end,
        };
        complain(&format!("events are kept in {}; rules: {}", folder.display(), ways.rules.ids().join(", ")));
        if arguments.rules.is_some() {
            let (rules, lake) = (Arc::clone(&ways.rules), Arc::clone(&ways.lake));
            let end = ways.ending();
            ways.running.spawn(async move {
                tokio::select! {
                    () = intake::follow_rules(rules, lake, tell()) => {}
                    () = end => {}
                }
            });
        }
        if let Some(file) = &arguments.kafka {
            ways.read_topics(file, system).await?;
        }
        ways.listen(arguments, config, gate).await?;
        if let Some(file) = &arguments.gate {
            ways.open_gate(file, arguments, system).await.context("the gate cannot be opened")?;
        }
        ways.keep_desk();
        Ok(ways)
    }

    /// Begins with what looks at events: rules, baselines, threat intelligence, and what answers their incidents.
    ///
    /// Errors: rules, definitions and configurations that cannot be used.
    pub(super) async fn watch(&mut self, arguments: &UpArguments, system: &dyn System) -> Result<()> {
        let folder = self.lake.folder().to_path_buf();
        if let Some(path) = &arguments.analytics {
            let named = || format!("the analytics rules in {} cannot be run", path.display());
            let (lake, desk) = (Arc::clone(&self.lake), Arc::clone(&self.desk));
            let analytics = Analytics::open(path, lake, desk, Arc::clone(&self.board), arguments, system)
                .await
                .with_context(named)?;
            complain(&format!("analytics rules: {}", analytics.describe()));
            let end = self.ending();
            self.running.spawn(async move {
                tokio::select! {
                    () = analytics.run(Arc::new(OsSystem)) => {}
                    () = end => {}
                }
            });
        }
        if let Some(definitions) = &arguments.baselines {
            let opened = Watched::open(definitions.as_deref(), Arc::clone(&self.lake), system);
            let watched = opened.context("baselines cannot be run")?;
            complain(&watched.describe());
            let end = self.ending();
            self.running.spawn(watched.run(Arc::new(OsSystem), end));
        }
        if let Some(file) = &arguments.intel {
            let opened = Intel::open(file, Arc::clone(&self.lake), Arc::clone(&self.desk), system).await;
            let intel = opened.context("threat intelligence cannot be used")?;
            complain(&inert_lines(&format!("threat intelligence: {}", intel.describe())));
            let end = self.ending();
            self.running.spawn(async move {
                tokio::select! {
                    () = intel.run(Arc::new(OsSystem)) => {}
                    () = end => {}
                }
            });
        }
        if let Some(path) = &arguments.automation {
            let opened = Responder::open(path, &folder, Arc::clone(&self.desk), arguments, system);
            let responder = opened.context("automation rules cannot be run")?;
            complain(&responder.describe());
            let end = self.ending();
            self.running.spawn(async move {
                tokio::select! {
                    () = responder.run(Arc::new(OsSystem)) => {}
                    () = end => {}
                }
            });
        }
        Ok(())
    }

    /// The gate for model traffic where it is open, and where.
    pub(super) fn opened(&self) -> Option<(&Arc<castellan_gateway::Gate>, SocketAddr)> {
        self.opened.as_ref().map(|(gate, address)| (gate, *address))
    }

    /// Has pages told of what the lake takes in.
    pub(super) fn tell_of_events(&mut self, hub: Hub) {
        let (lake, end) = (Arc::clone(&self.lake), self.ending());
        self.running.spawn(async move {
            tokio::select! {
                () = hub.follow(lake, Arc::new(OsSystem)) => {}
                () = end => {}
            }
        });
    }

    /// What is shown of the rules that run.
    pub(super) fn board(&self) -> &Arc<Board> {
        &self.board
    }

    /// The incidents of the lake.
    pub(super) fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// Opens the gate for model traffic, which records in the lake and keeps to the orders of playbooks.
    async fn open_gate(&mut self, file: &Path, arguments: &UpArguments, system: &dyn System) -> Result<()> {
        let mut config = gate::read(file, system)?;
        if config.orders.is_none() {
            let configured = configured(arguments, system)?;
            config.orders = configured.orders_file().map(Path::to_path_buf);
        }
        let (recorder, recording) = gate::recorder::of_lake(Arc::clone(&self.lake));
        let listener = gate::listen(config, recorder).await?;
        complain(&format!("the gate is open at {}", listener.address()));
        self.opened = Some((Arc::clone(listener.gate()), listener.address()));
        self.running.spawn(recording);
        let end = self.ending();
        self.running.spawn(
            listener.run(end, |problem| complain(&inert_lines(&format!("warning: the gate: {problem}")))),
        );
        Ok(())
    }

    /// Sends what is changed by hand to the lake, and archives what was closed long ago.
    fn keep_desk(&mut self) {
        let (desk, lake, end) = (Arc::clone(&self.desk), Arc::clone(&self.lake), self.ending());
        self.running.spawn(async move {
            tokio::select! {
                () = kept(&desk, &lake) => {}
                () = end => {}
            }
        });
    }

    #[cfg(feature = "kafka")]
    async fn read_topics(&mut self, file: &Path, system: &dyn System) -> Result<()> {
        let opened = intake::kafka::Kafka::open(file, system, Arc::clone(&self.lake), tell()).await;
        let kafka = opened.context("topics cannot be read")?;
        complain(&inert_lines(&format!("topics are read: {}", kafka.describe())));
        self.running.spawn(kafka.run(self.ending()));
        Ok(())
    }

    #[cfg(not(feature = "kafka"))]
    #[allow(clippy::unused_async, reason = "with the feature, it waits")]
    async fn read_topics(&mut self, file: &Path, _system: &dyn System) -> Result<()> {
        anyhow::bail!(
            "{}: this program was built without Kafka; build it with `cargo build --release --features kafka`",
            file.display()
        )
    }

    async fn listen(&mut self, arguments: &UpArguments, config: &Config, gate: &Gate) -> Result<()> {
        let lake = Arc::clone(&self.lake);
        if let Some(address) = arguments.otlp_grpc {
            let config = Config { address, ..config.clone() };
            let routes = intake::grpc_router(Arc::clone(&lake), gate.clone(), tell());
            let server = bound(Server::bind(config, routes).await)?.with_http2();
            complain(&format!("OTLP over gRPC: {}", server.address()));
            self.running.spawn(server.run(self.ending()));
        }
        let plain = arguments.syslog.map(|address| (address, None));
        let encrypted = arguments.syslog_tls.map(|address| (address, config.tls.clone()));
        for (address, tls) in plain.into_iter().chain(encrypted) {
            let over = if tls.is_some() { "TLS" } else { "TCP" };
            let opened = Syslog::bind(address, tls, Arc::clone(&lake), tell(), Bounds::default()).await;
            let syslog = opened.with_context(|| format!("cannot listen on {address}"))?;
            complain(&format!("syslog over {over}: {}", syslog.address()));
            self.running.spawn(syslog.run(self.ending()));
        }
        if let Some(address) = arguments.syslog_udp {
            let opened = SyslogUdp::bind(address, Arc::clone(&lake), tell(), Bounds::default()).await;
            let syslog = opened.with_context(|| format!("cannot listen on {address}"))?;
            complain(&format!("syslog over UDP: {}", syslog.address()));
            self.running.spawn(syslog.run(self.ending()));
        }
        if let Some(path) = &arguments.watch {
            let opened = Folder::open(path, lake, tell());
            let folder = opened.with_context(|| format!("{} cannot be watched", path.display()))?;
            complain(&format!("files are taken in from {}", path.display()));
            self.running.spawn(folder.run(self.ending()));
        }
        Ok(())
    }

    /// The lake.
    pub(super) fn lake(&self) -> &Arc<Lake> {
        &self.lake
    }

    /// The routes of the server.
    pub(super) fn router(&self, gate: Gate) -> Router {
        intake::router(Arc::clone(&self.lake), Arc::clone(&self.rules), gate, tell())
    }

    /// Ends when everything is to end.
    fn ending(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut ending = self.end.subscribe();
        async move {
            // An error says that the other side is gone, which is what is waited for.
            let _ = ending.changed().await;
        }
    }

    /// Ends what runs, and closes the lake once nobody writes any more.
    pub(super) async fn close(mut self) -> Result<()> {
        // Whoever still holds the gate could record something.
        drop((self.end, self.opened));
        while self.running.join_next().await.is_some() {}
        drop((self.rules, self.desk));
        let mut lake = self.lake;
        for _ in 0..LAST.as_millis() / 50 {
            match Arc::try_unwrap(lake) {
                Ok(lake) => return lake.close().await.context("the lake cannot be closed"),
                Err(shared) => lake = shared,
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // Somebody is still writing; what is acknowledged is in the log all the same.
        lake.flush().await.context("the lake cannot be flushed")
    }
}

/// Opens the incidents of a lake, and tells how their evidence is kept.
async fn desk(lake: &Lake, arguments: &UpArguments, system: &dyn System) -> Result<Desk> {
    let key = arguments.evidence_key.as_deref().map(|file| public_key(file, system)).transpose()?;
    match &key {
        Some(key) => complain(&format!("evidence is sealed to the key {}", key.id())),
        None if arguments.analytics.is_some() => {
            complain("evidence is kept redacted, and originals are not; --evidence-key seals them");
        }
        None => {}
    }
    let mut desk = Desk::open(lake.folder(), key, system.now())?;
    if let Some(file) = arguments.correlation.as_deref() {
        desk = desk.with_correlation(correlation(file, system)?);
    }
    desk.told().iter().for_each(|line| complain(&inert_lines(&format!("warning: {line}"))));
    desk.attach(lake, system.now()).await?;
    Ok(desk)
}

/// Reads a file of what makes alerts one incident, and tells all that is wrong with it.
fn correlation(file: &Path, system: &dyn System) -> Result<Correlation> {
    let mut sources = Sources::default();
    let text = read_text(file, CORRELATION, system)?;
    Correlation::read(&file.to_string_lossy(), &text, &mut sources).map_err(|faults| {
        report(&faults, &sources);
        anyhow!("`{}` cannot be used; docs/detect.md says what it means", file.display())
    })
}

/// Sends rows when there may be some, and archives once an hour.
async fn kept(desk: &Desk, lake: &Lake) {
    let mut said = String::new();
    let mut archived: Option<tokio::time::Instant> = None;
    loop {
        let now = OsSystem.now();
        let is_due = archived.is_none_or(|last| last.elapsed() > HOUR);
        let mut worked = desk.send(lake, now).await.map(|_| ());
        if is_due && worked.is_ok() {
            let before = now.checked_add(-CLOSED_FOR).unwrap_or(Ticks::MIN);
            worked = desk.archive(before, now).map(|_| ());
            archived = Some(tokio::time::Instant::now());
        }
        let told = worked.err().map(|error| error.to_string()).unwrap_or_default();
        if told != said && !told.is_empty() {
            complain(&inert_lines(&format!("error: incidents cannot be kept: {told}; it is tried again")));
        }
        said = told;
        // Whoever changes something wakes this; what failed is tried again after a while.
        let _ = tokio::time::timeout(AGAIN, desk.owes()).await;
    }
}

/// Tells what happens to nobody's request on standard error.
fn tell() -> Tell {
    Arc::new(|line: &str| complain(&inert_lines(line)))
}
