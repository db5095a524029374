//! A load client with an open loop: requests go out at a fixed rate, whether or not earlier ones have been answered.
//!
//! A time is measured from when its request was *due*, so that a server that stalls is charged for everybody who waits
//! (what closed loops leave out). Times are kept in a histogram with a relative error below one in 128. The result is one
//! JSON object, times in microseconds.
//!
//! `load http://127.0.0.1:8902/v1/chat/completions --rate 2000 --seconds 20 --connections 64 [--vary] [--key KEY-FILE]`

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderValue, Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

/// Parts of each power of two. Below twice as many, each value has a place of its own.
const PARTS: u64 = 128;
/// Places: up to about 2^40 microseconds.
const PLACES: u64 = PARTS * 34;

/// Times in microseconds.
struct Histogram(Vec<AtomicU64>);

impl Histogram {
    fn new() -> Histogram {
        Histogram((0..PLACES).map(|_| AtomicU64::new(0)).collect())
    }

    fn place(value: u64) -> u64 {
        let power = u64::from(64 - (value / (2 * PARTS)).leading_zeros());
        power * PARTS + (value >> power)
    }

    /// The largest value of a place.
    fn value(place: u64) -> u64 {
        let power = (place / PARTS).saturating_sub(1);
        ((place - power * PARTS + 1) << power) - 1
    }

    fn add(&self, value: u64) {
        let place = usize::try_from(Histogram::place(value)).unwrap_or(usize::MAX).min(self.0.len() - 1);
        if let Some(count) = self.0.get(place) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn total(&self) -> u64 {
        self.0.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// The value that a share of all, in hundred-thousandths, does not pass.
    fn percentile(&self, share: u64) -> u64 {
        let wanted = (u128::from(self.total()) * u128::from(share)).div_ceil(100_000);
        let mut seen = 0;
        for (place, count) in (0..).zip(&self.0) {
            seen += u128::from(count.load(Ordering::Relaxed));
            if seen >= wanted && seen > 0 {
                return Histogram::value(place);
            }
        }
        0
    }
}

struct Options {
    uri: Uri,
    rate: f64,
    seconds: f64,
    connections: u32,
    vary: bool,
    key: Option<HeaderValue>,
}

fn options() -> Result<Options, Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let uri = arguments.next().ok_or("name a URL")?.parse()?;
    let mut options = Options { uri, rate: 2_000.0, seconds: 20.0, connections: 64, vary: false, key: None };
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("`{name}` needs a value"));
        match name.as_str() {
            "--rate" => options.rate = value()?.parse()?,
            "--seconds" => options.seconds = value()?.parse()?,
            "--connections" => options.connections = value()?.parse()?,
            "--vary" => options.vary = true,
            "--key" => {
                let bytes =
                    castellan_base::System::read(&castellan_base::OsSystem, value()?.as_ref(), 4_096)?;
                options.key =
                    Some(HeaderValue::try_from(format!("Bearer {}", String::from_utf8(bytes)?.trim()))?);
            }
            other => return Err(format!("`{other}` is no option").into()),
        }
    }
    Ok(options)
}

/// A chat completion with a prompt of about 2 kB; with a number, one that differs from all others.
fn body(number: Option<u64>) -> Bytes {
    let sentence =
        "Summarise the following paragraph about the delivery of parts to the warehouse in plain words. ";
    let text = match number {
        None => sentence.repeat(21),
        Some(number) => {
            format!("Order {number}, part {}. {}", number.wrapping_mul(7_919), sentence.repeat(21))
        }
    };
    let messages = json!([{"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": text}]);
    Bytes::from(json!({"model": "stub", "messages": messages}).to_string())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Arc::new(options()?);
    let histogram = Arc::new(Histogram::new());
    let errors = Arc::new(AtomicU64::new(0));
    let start = Instant::now() + Duration::from_millis(200);
    let clients: Vec<_> = (0..options.connections)
        .map(|number| {
            let (options, histogram, errors) =
                (Arc::clone(&options), Arc::clone(&histogram), Arc::clone(&errors));
            tokio::spawn(async move { client(number, &options, start, &histogram, &errors).await })
        })
        .collect();
    for client in clients {
        client.await?;
    }
    let took = start.elapsed().as_secs_f64();
    let total = histogram.total();
    let done = u32::try_from(total).map_or(f64::INFINITY, f64::from);
    let result = json!({"requests": total, "errors": errors.load(Ordering::Relaxed), "asked_rate": options.rate,
        "rate": done / took, "p50": histogram.percentile(50_000), "p90": histogram.percentile(90_000),
        "p99": histogram.percentile(99_000), "p999": histogram.percentile(99_900), "max": histogram.percentile(100_000)});
    writeln!(std::io::stdout(), "{result}")?;
    Ok(())
}

/// Sends every request of one connection when it is due.
async fn client(number: u32, options: &Options, start: Instant, histogram: &Histogram, errors: &AtomicU64) {
    let step = Duration::from_secs_f64(f64::from(options.connections) / options.rate);
    let mut due = start + step.mul_f64(f64::from(number) / f64::from(options.connections));
    let end = start + Duration::from_secs_f64(options.seconds);
    let constant = body(None);
    let mut sent = u64::from(number) << 32;
    let mut sender = None;
    while due < end {
        sleep_until(due).await;
        sent += 1;
        let body = if options.vary { body(Some(sent)) } else { constant.clone() };
        if sender.as_ref().is_none_or(http1::SendRequest::is_closed) {
            sender = connect(&options.uri).await;
        }
        let is_fine = match &mut sender {
            Some(sender) => exchange(sender, options, body).await.unwrap_or(false),
            None => false,
        };
        if is_fine {
            histogram.add(u64::try_from(due.elapsed().as_micros()).unwrap_or(u64::MAX));
        } else {
            errors.fetch_add(1, Ordering::Relaxed);
            sender = None;
        }
        due += step;
    }
}

async fn connect(uri: &Uri) -> Option<http1::SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(uri.authority()?.as_str()).await.ok()?;
    stream.set_nodelay(true).ok()?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    Some(sender)
}

/// True when the answer is a success and came whole.
async fn exchange(
    sender: &mut http1::SendRequest<Full<Bytes>>,
    options: &Options,
    body: Bytes,
) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
    let path = options.uri.path_and_query().map_or("/", |path| path.as_str());
    let host = options.uri.authority().map_or("", |authority| authority.as_str());
    let mut request = Request::post(path).header(HOST, host).header(CONTENT_TYPE, "application/json");
    if let Some(key) = &options.key {
        request = request.header(AUTHORIZATION, key.clone());
    }
    sender.ready().await?;
    let response = sender.send_request(request.body(Full::new(body))?).await?;
    let is_fine = response.status().is_success();
    response.into_body().collect().await?;
    Ok(is_fine)
}
