//! Syslog records (RFC 5424) over TCP with octet counting (RFC 6587), or over UDP.

use std::io::Write as _;
use std::net::{TcpStream, ToSocketAddrs as _, UdpSocket};
use std::time::Duration;

use castellan_base::Ticks;

use super::ActionError;

/// The longest message in bytes. Receivers have to take 480 and should take 2048; over TLS they should take 8192 (RFC 5424
/// section 6.1, RFC 5425 section 4.3.1). A receiver that takes less cuts the end off.
const LONGEST: usize = 8192;

/// A record of facility `local0` and severity `notice`. What a field cannot carry becomes `?` or is escaped.
pub(super) fn record(now: Ticks, host: &str, id: &str, fields: &[(&str, &str)], message: &str) -> String {
    let time = now.to_string();
    let time = time.get(..26).map_or_else(|| "-".to_owned(), |time| format!("{time}Z"));
    let mut data = String::from("[castellan@32473");
    for (name, value) in fields {
        data.push_str(&format!(" {name}=\"{}\"", escaped(value)));
    }
    data.push(']');
    let message: String =
        message.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let head = format!("<133>1 {time} {} castellan - {} {data} \u{feff}", name(host, 255), name(id, 32));
    let mut record = head + &message;
    if record.len() > LONGEST {
        let cut = (0..=LONGEST).rev().find(|cut| record.is_char_boundary(*cut)).unwrap_or(0);
        record.truncate(cut);
    }
    record
}

/// Printable ASCII without spaces, or `-`.
fn name(text: &str, longest: usize) -> String {
    let plain: String = text
        .chars()
        .map(|letter| if letter.is_ascii_graphic() { letter } else { '?' })
        .take(longest)
        .collect();
    if plain.is_empty() { "-".to_owned() } else { plain }
}

/// Values of structured data escape three characters (RFC 5424 section 6.3.3).
fn escaped(value: &str) -> String {
    let mut out = String::new();
    for letter in value.chars().take(1024) {
        if matches!(letter, '"' | '\\' | ']') {
            out.push('\\');
        }
        out.push(if letter.is_control() { ' ' } else { letter });
    }
    out
}

/// Sends a record. Over UDP nobody says whether it arrived.
pub(super) fn send(
    host: &str,
    port: u16,
    is_udp: bool,
    record: &str,
    timeout: Duration,
) -> Result<(), ActionError> {
    let unreachable =
        |error: std::io::Error| ActionError::for_now(format!("syslog at {host}:{port}: {error}"));
    let address = (host, port).to_socket_addrs().map_err(unreachable)?.next();
    let address = address.ok_or_else(|| ActionError::for_now(format!("`{host}` has no address")))?;
    if is_udp {
        let local = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(local).map_err(unreachable)?;
        socket.send_to(record.as_bytes(), address).map_err(unreachable)?;
        return Ok(());
    }
    let mut stream = TcpStream::connect_timeout(&address, timeout).map_err(unreachable)?;
    let broken = |error: std::io::Error| ActionError::perhaps(format!("syslog at {host}:{port}: {error}"));
    stream.set_write_timeout(Some(timeout)).map_err(unreachable)?;
    stream.write_all(format!("{} {record}", record.len()).as_bytes()).map_err(broken)?;
    stream.shutdown(std::net::Shutdown::Write).map_err(broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_what_the_standard_says() {
        let now = "2026-11-21T10:00:00.1234567Z".parse().unwrap_or(Ticks::MIN);
        let text = record(now, "soc host", "abc", &[("run", "a\"b]c\\d")], "one\ntwo");
        assert_eq!(
            text,
            "<133>1 2026-11-21T10:00:00.123456Z soc?host castellan - abc [castellan@32473 run=\"a\\\"b\\]c\\\\d\"] \u{feff}one two"
        );
        assert!(record(now, "", "", &[], &"\u{e9}".repeat(9000)).len() <= LONGEST);
    }
}
