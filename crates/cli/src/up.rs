//! `castellan up`: the APIs over HTTP, and the ways in which events come to the lake, and
//! analytics rules over it.

pub(crate) mod analytics;
mod baselines;
mod beside;
mod console;
mod data;
mod demo;
mod intel;
mod response;
mod shown;
mod ways;

use std::sync::{Arc, OnceLock};

pub(crate) use analytics::kept;
use anyhow::{Context, Result, bail};
use axum::Router;
use castellan_base::System;
use castellan_respond::actions::Orders;
use castellan_server::console::{Console, Hub};
use castellan_server::judge::Judge;
use castellan_server::{
    BindError, Config, Gate, Server, Tls, Token, agent_hooks, contentsafety, incidents, moderations,
    presidio, workspaces,
};
use console::More;
use data::Data;
use demo::Demo;
use ways::Ways;

use crate::Ending;
use crate::arguments::UpArguments;
use crate::lake::served;
use crate::output::{complain, inert_lines};
use crate::playbook::Configured;
use crate::runtime;
use crate::shield::{open_protected, with_model};
use crate::survey::Held;

pub(crate) fn run(arguments: &UpArguments, system: &dyn System) -> Result<Ending> {
    let runtime = runtime::serving()?;
    let demo = match arguments.demo {
        true => Some(runtime.block_on(Demo::prepare(arguments, system)).context("the demo cannot be made")?),
        false => None,
    };
    let data = match &demo {
        Some(demo) => Some(demo.data().clone()),
        None => Data::of(arguments)?,
    };
    let filled = data.as_ref().map(|data| data.fill(arguments, system));
    let arguments = filled.as_ref().unwrap_or(arguments);
    needs_lake(arguments)?;
    let token = token(data.as_ref(), system)?;
    let files = arguments.tls_certificate.as_deref().zip(arguments.tls_key.as_deref());
    let config = Config {
        address: arguments.listen,
        token,
        tls: files.map(|(certificate, key)| Tls::read(certificate, key)).transpose()?,
        largest_body: arguments.largest_body,
        ..Config::default()
    };
    let gate = Gate::new(&config);
    let routes = routes(arguments, &config, &gate, system)?;
    runtime.block_on(serve(arguments, config, gate, routes, demo, system))
}

/// What clients have to show: the token of the environment, or that of the data folder, which is told when it is made.
fn token(data: Option<&Data>, system: &dyn System) -> Result<Option<Token>> {
    if let Some(token) = system.env("CASTELLAN_TOKEN").filter(|token| !token.is_empty()) {
        let token = Token::new(&token).map_err(anyhow::Error::msg);
        return Ok(Some(token.context("CASTELLAN_TOKEN cannot be used")?));
    }
    let Some(data) = data else { return Ok(None) };
    let signed = data.administrator(system.now(), system)?;
    if let Some(token) = &signed.told {
        complain(&format!("the administrator's token, which is shown this once: {token}"));
    }
    Ok(Some(signed.token))
}

/// Refuses what is about a lake where there is none.
fn needs_lake(arguments: &UpArguments) -> Result<()> {
    if arguments.lake.is_some() {
        return Ok(());
    }
    let asked = [
        ("--rules", arguments.rules.is_some()),
        ("--otlp-grpc", arguments.otlp_grpc.is_some()),
        ("--syslog", arguments.syslog.is_some()),
        ("--syslog-tls", arguments.syslog_tls.is_some()),
        ("--syslog-udp", arguments.syslog_udp.is_some()),
        ("--watch", arguments.watch.is_some()),
        ("--kafka", arguments.kafka.is_some()),
        ("--analytics", arguments.analytics.is_some()),
        ("--automation", arguments.automation.is_some()),
        ("--gate", arguments.gate.is_some()),
        ("--baselines", arguments.baselines.is_some()),
        ("--intel", arguments.intel.is_some()),
        ("--evidence-key", arguments.evidence_key.is_some()),
        ("--role", arguments.role.is_some()),
        ("--scan", !arguments.scan.is_empty()),
    ];
    match asked.iter().find(|(_, is_asked)| *is_asked) {
        Some((name, _)) => bail!("{name} needs somewhere to keep things; give --data or --lake"),
        None => Ok(()),
    }
}

/// What is configured for playbooks, with the orders of the data folder.
///
/// Errors: a configuration that cannot be used.
pub(crate) fn configured(arguments: &UpArguments, system: &dyn System) -> Result<Configured> {
    let configured = Configured::of(arguments.response.as_deref(), &[], system)?;
    Ok(configured.with_orders(arguments.orders.as_deref()))
}

fn routes(arguments: &UpArguments, config: &Config, gate: &Gate, system: &dyn System) -> Result<Router> {
    let model = arguments.shield_model.as_deref();
    let shield = with_model(model, arguments.shield_grey, &arguments.shield_attack_label, system)?;
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
    let orders = configured(arguments, system)?.orders();
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
    demo: Option<Demo>,
    system: &dyn System,
) -> Result<Ending> {
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let mut ways = match &arguments.lake {
        Some(folder) => Some(Ways::open(folder, arguments, &config, &gate, system).await?),
        None => None,
    };
    let survey = match &ways {
        Some(ways) => Arc::new(beside::held(arguments, ways.lake())),
        None => Arc::new(Held::empty()),
    };
    let hub = Hub::default();
    let listen = Arc::new(OnceLock::new());
    let (routes, console) = match &mut ways {
        Some(ways) => {
            // A lake of one's own is served once everything over it stands; the data folder at once.
            if !arguments.built_in {
                beside::survey_now(&survey, system)?;
            }
            if demo.is_none() {
                ways.watch(arguments, system).await?;
            }
            let more = more(arguments, ways, (&survey, &hub), &listen, demo.is_some());
            let (own, console) = of_lake(arguments, ways, &survey, &config, &gate, more, system)?;
            (routes.merge(own), Some(console))
        }
        None => (routes, None),
    };
    let mut server = bound(Server::bind(config, routes).await)?;
    if let Some(console) = &console {
        server = server.with_console(console);
    }
    let url = format!("{scheme}://{}", server.address());
    _ = listen.set(server.address().to_string());
    let stop = runtime::stop()?;
    complain(&format!("castellan is up at {url}; Ctrl-C ends it"));
    if arguments.built_in
        && let Some(console) = &console
    {
        tell_link(&url, console);
    }
    {
        let stopping = console.clone();
        let running = server.run(async move {
            stop.await;
            if let Some(console) = stopping {
                console.close();
            }
        });
        let later = later(arguments, ways.as_mut(), (&survey, &hub), demo.as_ref(), system);
        tokio::pin!(running);
        tokio::select! {
            () = &mut running => {}
            done = later => {
                if let Err(error) = done {
                    complain(&inert_lines(&format!("error: {error:#}")));
                }
                running.await;
            }
        }
    }
    drop((console, hub));
    if let Some(ways) = ways {
        ways.close().await?;
    }
    complain("castellan is down");
    Ok(Ending::Fine)
}

/// What is done once the server answers: the estate is read, and in a demo its week is told.
async fn later(
    arguments: &UpArguments,
    ways: Option<&mut Ways>,
    (survey, hub): (&Arc<Held>, &Hub),
    demo: Option<&Demo>,
    system: &dyn System,
) -> Result<()> {
    if arguments.built_in {
        beside::survey_aside(survey, hub).await;
    }
    match (ways, demo) {
        (Some(ways), Some(demo)) => demo.tell(arguments, ways, (survey, hub), system).await,
        _ => Ok(()),
    }
}

/// A link that signs in whoever opens it first, for five minutes.
fn tell_link(url: &str, console: &Console) {
    match console.code() {
        Ok(code) => complain(&format!("open {url}/#code={code} within five minutes; it works once")),
        Err(error) => complain(&format!("warning: there is no link to sign in with: {error}; open {url}")),
    }
}

/// What the console shows beside the lake and the gate.
fn more(
    arguments: &UpArguments,
    ways: &Ways,
    (survey, hub): (&Arc<Held>, &Hub),
    listen: &Arc<OnceLock<String>>,
    is_demo: bool,
) -> More {
    let data = arguments.lake.as_deref().map(|lake| match arguments.built_in {
        true => lake.parent().unwrap_or(lake),
        false => lake,
    });
    More {
        hub: hub.clone(),
        estate: data.map(|data| shown::estate(data, survey, hub)),
        rules: shown::rules(arguments, ways),
        settings: Some(shown::settings(arguments, ways, Arc::clone(listen))),
        is_demo,
    }
}

/// The faces over a lake, and its console.
fn of_lake(
    arguments: &UpArguments,
    ways: &mut Ways,
    survey: &Arc<Held>,
    config: &Config,
    gate: &Gate,
    more: More,
    system: &dyn System,
) -> Result<(Router, Console)> {
    let queries = served::queries(ways.lake(), survey, arguments.role.as_deref(), gate, system)?;
    let face = face(arguments, ways, config, gate, system)?;
    let routes = served::routes(queries.clone()).merge(ways.router(gate.clone()));
    let routes = match &face {
        Some(face) => {
            routes.merge(workspaces::router(Arc::clone(ways.lake()), gate.clone(), Some(face.clone())))
        }
        None => routes,
    };
    let console = console::open(arguments, config, gate, (ways, queries), (more, face), system)?;
    Ok((routes, console))
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
