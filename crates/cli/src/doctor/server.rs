//! A server that is running.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::Finding;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
const WHAT: &str = "server";

/// Whether a server answers; nothing where none runs and none is expected.
pub(super) fn answers(address: SocketAddr, is_expected: bool) -> Option<Finding> {
    let asked = ask(address);
    match (asked, is_expected) {
        (Ok(status), _) if status.contains(" 200 ") => {
            Some(Finding::fine(WHAT, format!("it answers at {address}")))
        }
        // What speaks TLS alone answers nothing to plain words; that somebody listens is what can be said.
        (Ok(_), true) => Some(Finding::fine(WHAT, format!("somebody listens at {address}, encrypted"))),
        (Ok(_), false) => Some(Finding::warning(
            WHAT,
            format!("another program answers at {address}"),
            "`castellan up` needs the address for itself; name another with --listen",
        )),
        (Err(error), true) => Some(Finding::wrong(
            WHAT,
            format!("it writes to the lake, and does not answer at {address}: {error}"),
            "where it listens elsewhere, say so with --listen; else look at its log",
        )),
        (Err(_), false) => None,
    }
}

/// The first line of the answer to `GET /health`.
fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET /health HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut answer = [0; 256];
    let count = stream.read(&mut answer)?;
    let text = String::from_utf8_lossy(answer.get(..count).unwrap_or_default()).into_owned();
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
