//! Messages of syslog, and of devices that put CEF into them.
//!
//! | message | table |
//! |---|---|
//! | RFC 5424, RFC 3164 | `Syslog` |
//! | either of them, or nothing at all, around `CEF:` | `CommonSecurityLog` |
//! | anything else | `Syslog`, the whole text as its message, which is told |
//!
//! A message of RFC 3164 has neither year nor zone: its time is taken as UTC, in the year that brings it closest to its
//! receipt. Over TCP, [`Frames`] tells messages apart by either way of RFC 6587.

mod frames;
mod rfc3164;
mod rfc5424;

use castellan_base::Ticks;

pub use frames::{Frame, Frames};

use crate::json::{self, Object};
use crate::problem::{Place, ProblemKind};
use crate::rows::{Sheet, Taken};
use crate::{MAX_TEXT, cef, times};

/// What the header of a message says. Source: RFC 5424, section 6.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Header<'a> {
    /// Facility times 8 plus severity.
    pub(crate) priority: Option<u8>,
    pub(crate) time: Option<Ticks>,
    pub(crate) host: &'a str,
    pub(crate) application: &'a str,
    pub(crate) process: &'a str,
    pub(crate) message_id: &'a str,
    /// As it stands in the message.
    pub(crate) structured: &'a str,
    pub(crate) message: &'a str,
}

/// What the listener knows of a connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Peer<'a> {
    /// The address that the message came from.
    pub address: &'a str,
    /// The name of the machine that receives.
    pub collector: &'a str,
}

/// Rows of one message, without its framing.
#[must_use]
pub fn message(bytes: &[u8], peer: Peer<'_>, received: Ticks) -> Taken {
    messages(std::iter::once(Frame::whole(bytes.to_vec())), peer, received)
}

/// Rows of several messages.
#[must_use]
pub fn messages(frames: impl IntoIterator<Item = Frame>, peer: Peer<'_>, received: Ticks) -> Taken {
    let mut sheet = Sheet::default();
    let mut row = Vec::new();
    for (place, frame) in frames.into_iter().enumerate() {
        sheet.problems.at(Place { outer: None, record: place });
        if frame.is_cut {
            sheet.problems.tell(ProblemKind::MessageCut);
        }
        let text = String::from_utf8_lossy(&frame.bytes);
        if matches!(text, std::borrow::Cow::Owned(_)) {
            sheet.problems.tell(ProblemKind::NotUtf8);
        }
        row.clear();
        one(&text, peer, received, &mut row, &mut sheet);
    }
    sheet.finish()
}

fn one(text: &str, peer: Peer<'_>, received: Ticks, row: &mut Vec<u8>, sheet: &mut Sheet) {
    let text = text.trim_matches(['\r', '\n', '\0', ' ']).trim_start_matches('\u{feff}');
    let header = rfc5424::read(text).or_else(|| rfc3164::read(text, received));
    let begins = cef_in(header.as_ref(), text);
    if let Some(begins) = begins {
        if cef::write(row, begins, header.as_ref(), peer, received, &mut sheet.problems) {
            sheet.push("CommonSecurityLog", row);
            return;
        }
        row.clear();
        sheet.problems.tell(ProblemKind::NotCef);
    } else if header.is_none() {
        sheet.problems.tell(ProblemKind::NotSyslog);
    }
    let header = header.unwrap_or(Header { message: text, ..Header::default() });
    write(row, &header, peer, received, sheet);
    sheet.push("Syslog", row);
}

/// Where CEF begins. RFC 3164 takes `CEF` for the name of an application, so that it is looked for in the whole text
/// behind the header's time and host.
fn cef_in<'a>(header: Option<&Header<'a>>, text: &'a str) -> Option<&'a str> {
    if text.starts_with("CEF:") {
        return Some(text);
    }
    let header = header?;
    if header.message.starts_with("CEF:") {
        return Some(header.message);
    }
    if header.application != "CEF" {
        return None;
    }
    text.find("CEF:").and_then(|begins| text.get(begins..))
}

fn write(out: &mut Vec<u8>, header: &Header<'_>, peer: Peer<'_>, received: Ticks, sheet: &mut Sheet) {
    let problems = &mut sheet.problems;
    let mut row = Object::begin(out);
    // As Azure Monitor's agent does: the time of a message that says one, else that of its receipt.
    let time = header.time.map_or(received, |time| times::of_record(Some(time), received, problems));
    row.time("TimeGenerated", time);
    row.time("EventTime", time);
    let host = if header.host.is_empty() { peer.address } else { header.host };
    row.text("Computer", json::cut(host, MAX_TEXT));
    row.text("HostName", json::cut(host, MAX_TEXT));
    row.text("HostIP", peer.address);
    row.text("CollectorHostName", peer.collector);
    if let Some(priority) = header.priority {
        row.text("Facility", facility(priority));
        row.text("SeverityLevel", severity(priority));
    }
    row.text("ProcessName", json::cut(header.application, MAX_TEXT));
    if let Ok(process) = header.process.parse::<i32>() {
        row.integer("ProcessID", i64::from(process));
    }
    row.text("SourceSystem", "Linux");
    // No column holds structured data and message ids; they stay in front of the message, as they came.
    let mut message = String::new();
    for part in [header.message_id, header.structured, header.message] {
        if !part.is_empty() {
            if !message.is_empty() {
                message.push(' ');
            }
            message.push_str(part);
        }
    }
    let kept = json::cut(&message, MAX_TEXT);
    if kept.len() < message.len() {
        problems.tell(ProblemKind::TextCut);
    }
    row.text("SyslogMessage", kept);
    row.end();
}

/// A time as messages write it: of RFC 3164 or of RFC 3339.
pub(crate) fn written_time(text: &str, received: Ticks) -> Option<Ticks> {
    // Behind a time of RFC 3164 something follows.
    let text = format!("{text} ");
    rfc3164::timestamp(&text, received).map(|(time, _)| time)
}

/// Keywords of the 24 facilities. Source: RFC 5424, table 1; names as `syslog.h` and Azure Monitor write them.
fn facility(priority: u8) -> &'static str {
    const NAMES: [&str; 24] = [
        "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
        "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5",
        "local6", "local7",
    ];
    NAMES.get(usize::from(priority >> 3)).copied().unwrap_or_default()
}

/// Names of the eight severities, as Azure Monitor writes them.
fn severity(priority: u8) -> &'static str {
    const NAMES: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];
    NAMES.get(usize::from(priority & 7)).copied().unwrap_or_default()
}

/// Reads `<191>` and returns what is behind. Source: RFC 5424, section 6.2.1.
fn priority(text: &str) -> Option<(u8, &str)> {
    let (digits, rest) = text.strip_prefix('<')?.split_once('>')?;
    let plain = (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let priority: u8 = if plain { digits.parse().ok()? } else { return None };
    (priority <= 191).then_some((priority, rest))
}
