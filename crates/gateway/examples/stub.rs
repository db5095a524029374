//! The stub model with one constant answer, as an upstream for measurements: `stub 127.0.0.1:8901`.

use castellan_gateway::stub::{Options, Stub};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).ok_or("name an address to listen on, as 127.0.0.1:8901")?;
    Stub::bind(address.parse()?, Options::fixed()).await?.run().await;
    Ok(())
}
