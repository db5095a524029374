//! Sends spans: together, in the background, and again where a collector could not take them.

use std::time::Duration;

use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::Metrics;
use super::send::{Sent, Target};

/// The wait before spans are sent again; doubled each time.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How long the last spans may take when the gate ends.
const LAST: Duration = Duration::from_secs(5);

/// Sends what waits.
pub(crate) struct Exporter {
    target: Target,
    waiting: mpsc::Receiver<Vec<Span>>,
    metrics: Metrics,
    /// Whether the last request failed, so that a collector that is away is told once.
    was_away: bool,
}

impl Exporter {
    pub(super) fn new(target: Target, waiting: mpsc::Receiver<Vec<Span>>, metrics: Metrics) -> Exporter {
        Exporter { target, waiting, metrics, was_away: false }
    }

    /// Sends until it is told to stop, and then what is left. `told` hears of what goes wrong.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>, told: impl Fn(&str)) {
        let mut batch = Vec::new();
        while self.gather(&mut batch, &mut stop).await {
            self.send(std::mem::take(&mut batch), Some(&mut stop), &told).await;
        }
        // Nobody new comes; what is left goes out in one try.
        self.waiting.close();
        let end = Instant::now() + LAST;
        loop {
            while let Ok(spans) = self.waiting.try_recv() {
                batch.extend(spans);
                if batch.len() >= self.target.config.batch {
                    break;
                }
            }
            if batch.is_empty() {
                return;
            }
            let (last, count) = (std::mem::take(&mut batch), batch.len());
            let left = end.saturating_duration_since(Instant::now());
            if timeout(left, self.send(last, None, &told)).await.is_err() {
                self.metrics.count("failed", count);
            }
        }
    }

    /// Waits for enough spans, or until the first of them has waited long enough; false when it is told to stop.
    async fn gather(&mut self, batch: &mut Vec<Span>, stop: &mut watch::Receiver<bool>) -> bool {
        let mut due: Option<Instant> = None;
        if *stop.borrow() {
            return false;
        }
        loop {
            if batch.len() >= self.target.config.batch {
                return true;
            }
            tokio::select! {
                // The sender lives as long as the listener.
                _ = stop.changed() => return false,
                spans = self.waiting.recv() => match spans {
                    Some(spans) => {
                        batch.extend(spans);
                        let wait = Duration::from_millis(self.target.config.every_ms);
                        due.get_or_insert_with(|| Instant::now() + wait);
                    }
                    None => return false,
                },
                () = wait_until(due) => return true,
            }
        }
    }

    /// Sends a batch, again where that may help; only once where there is nothing to wait for.
    async fn send(
        &mut self,
        batch: Vec<Span>,
        mut stop: Option<&mut watch::Receiver<bool>>,
        told: &impl Fn(&str),
    ) {
        let count = batch.len();
        let bytes = self.target.written(batch);
        let until = Instant::now() + Duration::from_millis(self.target.config.retry_ms);
        let mut wait = FIRST_WAIT;
        loop {
            let (why, asked) = match self.target.send(&bytes).await {
                Sent::Taken { rejected } => {
                    self.metrics.count("rejected", rejected.min(count));
                    self.metrics.count("sent", count.saturating_sub(rejected));
                    if std::mem::take(&mut self.was_away) {
                        told("traces: the collector takes spans again");
                    }
                    return;
                }
                Sent::Refused(why) => return self.failed(count, &why, told),
                Sent::Later(why, asked) => (why, asked),
            };
            let pause = asked.unwrap_or_default().max(wait).min(LONGEST_WAIT);
            wait = (wait * 2).min(LONGEST_WAIT);
            let Some(stop) = stop.as_deref_mut().filter(|_| Instant::now() + pause < until) else {
                return self.failed(count, &why, told);
            };
            tokio::select! {
                () = sleep(pause) => {}
                // One more try, and no waiting.
                _ = stop.changed() => return self.once(&bytes, count, told).await,
            }
        }
    }

    async fn once(&mut self, bytes: &bytes::Bytes, count: usize, told: &impl Fn(&str)) {
        match timeout(LAST, self.target.send(bytes)).await {
            Ok(Sent::Taken { rejected }) => {
                self.metrics.count("rejected", rejected.min(count));
                self.metrics.count("sent", count.saturating_sub(rejected));
            }
            Ok(Sent::Refused(why) | Sent::Later(why, _)) => self.failed(count, &why, told),
            Err(_) => self.failed(count, "it took too long", told),
        }
    }

    fn failed(&mut self, count: usize, why: &str, told: &impl Fn(&str)) {
        self.metrics.count("failed", count);
        if !std::mem::replace(&mut self.was_away, true) {
            told(&format!("traces: the collector does not take spans: {why}"));
        }
    }
}

async fn wait_until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
