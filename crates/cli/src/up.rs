//! `castellan up`: the APIs over HTTP.

use anyhow::{Context, Result};
use castellan_base::System;
use castellan_server::{Config, Gate, Server, Token, presidio};

use crate::Ending;
use crate::arguments::UpArguments;
use crate::output::complain;

pub(crate) fn run(arguments: &UpArguments, system: &dyn System) -> Result<Ending> {
    let token = system.env("CASTELLAN_TOKEN").filter(|token| !token.is_empty());
    let token = token.map(|token| Token::new(&token)).transpose();
    let config = Config {
        address: arguments.listen,
        token: token.map_err(anyhow::Error::msg).context("CASTELLAN_TOKEN cannot be used")?,
        largest_body: arguments.largest_body,
        ..Config::default()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("cannot start the runtime")?.block_on(serve(config))
}

async fn serve(config: Config) -> Result<Ending> {
    let gate = Gate::new(&config);
    let server = Server::bind(config, presidio::router(castellan_detectors::engine(), gate)).await?;
    complain(&format!("castellan is up at http://{}; Ctrl-C ends it", server.address()));
    server.run(stopped()).await;
    complain("castellan is down");
    Ok(Ending::Fine)
}

/// Ends on Ctrl-C, and where services are stopped by it on SIGTERM.
async fn stopped() {
    #[cfg(unix)]
    if let Ok(mut terminated) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        return;
    }
    let _ = tokio::signal::ctrl_c().await;
}
