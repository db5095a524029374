//! The stub model: `stub 127.0.0.1:8901` gives one constant answer, as an upstream for measurements;
//! `stub 127.0.0.1:8901 echo` echoes; `stub 127.0.0.1:8901 FILE` follows the script in a file.

use castellan_base::{OsSystem, System as _};
use castellan_gateway::stub::{Options, Script, Stub};

/// Largest script, in bytes.
const LARGEST: u64 = 4 << 20;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().ok_or("name an address to listen on, as 127.0.0.1:8901")?;
    let options = match arguments.next().as_deref() {
        None => Options::fixed(),
        Some("echo") => Options::default(),
        Some(path) => {
            let bytes = OsSystem.read(path.as_ref(), LARGEST)?;
            Options::scripted(Script::read(std::str::from_utf8(&bytes)?)?)
        }
    };
    Stub::bind(address.parse()?, options).await?.run().await;
    Ok(())
}
