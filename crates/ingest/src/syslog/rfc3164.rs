//! Messages after RFC 3164, which describes what was found in the wild, and what has been found since: years, ISO
//! times, times without a host.

use castellan_base::Ticks;

use super::{Header, priority};

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Reads a message; `None` where it has no priority, or no time behind one.
pub(super) fn read(text: &str, received: Ticks) -> Option<Header<'_>> {
    let (priority, rest) = match priority(text) {
        Some((priority, rest)) => (Some(priority), rest),
        None => (None, text),
    };
    let Some((time, rest)) = timestamp(rest, received) else {
        // RFC 3164, section 4.3.3: a message may have a priority and nothing else.
        return priority.map(|priority| Header {
            priority: Some(priority),
            message: rest,
            ..Header::default()
        });
    };
    // Without a priority, a time and a host must be there, else any text that begins with a date would do.
    let (host, rest) = host(rest);
    if priority.is_none() && host.is_empty() {
        return None;
    }
    let (application, process, message) = tag(rest);
    Some(Header { priority, time: Some(time), host, application, process, message, ..Header::default() })
}

/// `Oct 11 22:14:15 `, `Oct 11 2003 22:14:15 `, or a time of RFC 3339.
pub(super) fn timestamp(text: &str, received: Ticks) -> Option<(Ticks, &str)> {
    let (first, rest) = word(text)?;
    let Some(month) = MONTHS.iter().position(|name| *name == first) else {
        let shaped = first.len() >= 19 && first.as_bytes().get(10) == Some(&b'T');
        return if shaped { Some((first.parse().ok()?, rest)) } else { None };
    };
    let (day, rest) = word(rest.trim_start())?;
    let day: u8 = day.parse().ok()?;
    let (mut clock, mut rest) = word(rest)?;
    let mut year = None;
    if clock.len() == 4 && !clock.contains(':') {
        year = Some(clock.parse::<i64>().ok()?);
        (clock, rest) = word(rest)?;
    }
    let clock = clock.trim_end_matches(':');
    let at = |year: i64| format!("{year:04}-{:02}-{day:02}T{clock}Z", month + 1).parse::<Ticks>().ok();
    let time = match year {
        Some(year) => at(year)?,
        None => {
            // Years are told from the receipt; of three, the closest counts.
            let now: i64 = received.to_string().get(..4)?.parse().ok()?;
            let years = [now - 1, now, now + 1].into_iter().filter_map(at);
            years.min_by_key(|time| (time.get() - received.get()).abs())?
        }
    };
    Some((time, rest))
}

fn word(text: &str) -> Option<(&str, &str)> {
    text.split_once(' ').filter(|(word, _)| !word.is_empty())
}

/// A host is a word without a colon at its end, else it is a tag and the host was left out.
fn host(text: &str) -> (&str, &str) {
    match text.split_once(' ') {
        Some((host, rest))
            if !host.is_empty() && !host.ends_with(':') && !host.contains('[') && host.len() <= 255 =>
        {
            (host, rest)
        }
        _ => ("", text),
    }
}

/// `su: `, `su[230]: `: the application, its process, and the message.
fn tag(text: &str) -> (&str, &str, &str) {
    let end = text.find([':', '[', ' ']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() || name.len() > 128 {
        return ("", "", text);
    }
    if let Some(message) = rest.strip_prefix(':') {
        return (name, "", message.strip_prefix(' ').unwrap_or(message));
    }
    let process = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    match process {
        Some((process, rest)) if process.len() <= 128 && !process.contains(' ') => {
            let message = rest.strip_prefix(':').unwrap_or(rest);
            (name, process, message.strip_prefix(' ').unwrap_or(message))
        }
        _ => ("", "", text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: (&str, &str, &str, &str, &str)) {
        let received = "2026-01-02T00:00:00Z".parse().unwrap();
        let header = read(text, received).unwrap();
        let time = header.time.map(|time| time.to_string()).unwrap_or_default();
        let time = time.get(..19).unwrap_or_default();
        assert_eq!(
            (time, header.host, header.application, header.process, header.message),
            expected,
            "{text}"
        );
    }

    #[test]
    fn forms_of_the_rfc_and_of_the_wild() {
        check(
            "<34>Oct 11 22:14:15 mymachine su: 'su root' failed",
            ("2025-10-11T22:14:15", "mymachine", "su", "", "'su root' failed"),
        );
        check(
            "<13>Jan  1 00:00:01 10.0.0.1 sshd[230]: hello",
            ("2026-01-01T00:00:01", "10.0.0.1", "sshd", "230", "hello"),
        );
        check("<13>Dec 31 23:59:59.5 h a: b", ("2025-12-31T23:59:59", "h", "a", "", "b"));
        check("<13>Feb  5 2024 17:32:18: h %ASA-6: x", ("2024-02-05T17:32:18", "h", "%ASA-6", "", "x"));
        check("<13>2026-01-01T10:00:00+01:00 h a: b", ("2026-01-01T09:00:00", "h", "a", "", "b"));
        check("<13>Oct 11 22:14:15 su: no host", ("2025-10-11T22:14:15", "", "su", "", "no host"));
        check("<0>Use the BFG!", ("", "", "", "", "Use the BFG!"));
        check("Oct 11 22:14:15 h a[1]: no priority", ("2025-10-11T22:14:15", "h", "a", "1", "no priority"));
        check(
            "<13>Oct 11 22:14:15 h just words here",
            ("2025-10-11T22:14:15", "h", "", "", "just words here"),
        );
    }

    #[test]
    fn a_leap_day_finds_its_year() {
        let received = "2025-03-01T00:00:00Z".parse().unwrap();
        let header = read("<13>Feb 29 10:00:00 h a: b", received).unwrap();
        assert_eq!(header.time.unwrap().to_string(), "2024-02-29T10:00:00.0000000Z");
    }

    #[test]
    fn what_is_not_of_this_form() {
        let received = "2026-01-02T00:00:00Z".parse().unwrap();
        for text in ["", "hello", "Oct 11 22:14:15", "Oct 99 22:14:15 h a: b", "2026"] {
            assert_eq!(read(text, received), None, "{text}");
        }
    }
}
