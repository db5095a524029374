//! `castellan up`: the APIs over HTTP, and the ways in which events come to the lake, and
//! analytics rules over it.

pub(crate) mod analytics;
mod baselines;
mod console;
mod intel;
mod response;
mod ways;

use std::sync::Arc;

pub(crate) use analytics::kept;
use anyhow::{Context, Result};
use axum::Router;
use castellan_base::System;
use castellan_respond::actions::Orders;
use castellan_server::judge::Judge;
use castellan_server::{
    BindError, Config, Gate, Server, Tls, Token, agent_hooks, contentsafety, incidents, moderations,
    presidio, workspaces,
};
use castellan_shield::Shield;
use console::More;
use ways::Ways;

use crate::Ending;
use crate::arguments::UpArguments;
use crate::lake::served;
use crate::output::complain;
use crate::playbook::Configured;
use crate::shield::open_protected;

pub(crate) fn run(arguments: &UpArguments, system: &dyn System) -> Result<Ending> {
    let token = system.env("CASTELLAN_TOKEN").filter(|token| !token.is_empty());
    let token = token.map(|token| Token::new(&token)).transpose();
    let files = arguments.tls_certificate.as_deref().zip(arguments.tls_key.as_deref());
    let config = Config {
        address: arguments.listen,
        token: token.map_err(anyhow::Error::msg).context("CASTELLAN_TOKEN cannot be used")?,
        tls: files.map(|(certificate, key)| Tls::read(certificate, key)).transpose()?,
        largest_body: arguments.largest_body,
        ..Config::default()
    };
    let gate = Gate::new(&config);
    let routes = routes(arguments, &config, &gate, system)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("cannot start the runtime")?.block_on(serve(arguments, config, gate, routes, system))
}

fn routes(arguments: &UpArguments, config: &Config, gate: &Gate, system: &dyn System) -> Result<Router> {
    let shield = Shield::builtin().context("the shield in this program cannot be used")?;
    let judge: Arc<dyn Judge> = Arc::new(shield);
    let options = contentsafety::Options {
        limits: arguments.azure_limits,
        secure: config.tls.is_some(),
        blocklists: arguments.blocklists.clone(),
        protected: open_protected(&arguments.protected, arguments.protected_keys.as_deref(), system)?,
        categories: arguments.categories.clone(),
        category_samples: arguments.category_samples.clone(),
    };
    let safety = contentsafety::router(Arc::clone(&judge), gate.clone(), options)?;
    let orders = Configured::of(arguments.response.as_deref(), &[], system)?.orders();
    Ok(presidio::router(castellan_detectors::engine(), gate.clone())
        .merge(safety)
        .merge(moderations::router(Arc::clone(&judge), gate.clone()))
        .merge(agent_hooks::router(judge, gate.clone(), orders.map(|store| Arc::new(Orders::new(store))))))
}

async fn serve(
    arguments: &UpArguments,
    config: Config,
    gate: Gate,
    routes: Router,
    system: &dyn System,
) -> Result<Ending> {
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let mut ways = match &arguments.lake {
        Some(folder) => Some(Ways::open(folder, arguments, &config, &gate, system).await?),
        None => None,
    };
    let (routes, console) = match &mut ways {
        Some(ways) => {
            let queries =
                served::queries(ways.lake(), &arguments.scan, arguments.role.as_deref(), &gate, system)?;
            let face = face(arguments, ways, &config, &gate, system)?;
            let routes = routes.merge(served::routes(queries.clone())).merge(ways.router(gate.clone()));
            let routes = match &face {
                Some(face) => routes.merge(workspaces::router(
                    Arc::clone(ways.lake()),
                    gate.clone(),
                    Some(face.clone()),
                )),
                None => routes,
            };
            let more = (More::default(), face);
            let console = console::open(arguments, &config, &gate, (ways, queries), more, system)?;
            (routes, Some(console))
        }
        None => (routes, None),
    };
    let server = bound(Server::bind(config, routes).await)?;
    let server = match &console {
        Some(console) => server.with_console(console),
        None => server,
    };
    complain(&format!("castellan is up at {scheme}://{}; Ctrl-C ends it", server.address()));
    let stopping = console.clone();
    server
        .run(async move {
            stopped().await;
            if let Some(console) = stopping {
                console.close();
            }
        })
        .await;
    drop(console);
    if let Some(ways) = ways {
        ways.close().await?;
    }
    complain("castellan is down");
    Ok(Ending::Fine)
}

/// The incidents of a lake, for those who see all of its tables: whoever sees a part must not remove the rest.
fn face(
    arguments: &UpArguments,
    ways: &Ways,
    config: &Config,
    gate: &Gate,
    system: &dyn System,
) -> Result<Option<incidents::Face>> {
    if arguments.role.is_some() {
        return Ok(None);
    }
    let options = incidents::Options { reveal: reveal(system)?, secure: config.tls.is_some() };
    Ok(Some(incidents::Face::new(Arc::clone(ways.desk()), gate.clone(), options)))
}

/// What whoever opens evidence has to show beside the token.
fn reveal(system: &dyn System) -> Result<Option<Token>> {
    let token = system.env("CASTELLAN_REVEAL_TOKEN").map(|token| Token::new(&token)).transpose();
    token.map_err(anyhow::Error::msg).context("CASTELLAN_REVEAL_TOKEN cannot be used")
}

/// A listener, or why there is none.
fn bound(server: Result<Server, BindError>) -> Result<Server> {
    server.map_err(|error| match error {
        BindError::Unprotected(_) => anyhow::Error::from(error).context("CASTELLAN_TOKEN is not set"),
        other => other.into(),
    })
}

/// Ends on Ctrl-C, and where services are stopped by it on SIGTERM.
pub(crate) async fn stopped() {
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
