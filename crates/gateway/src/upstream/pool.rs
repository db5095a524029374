//! Pools and their members, and which member is asked next.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

use super::address::Base;
use super::budget::Budget;
use super::config::{Config, Form, MemberConfig};
use super::credential::{Credential, Reference};
use super::error::ConfigError;
use super::health::{Health, Permit, Standing};
use super::metrics::{MemberMetrics, Metrics, PoolMetrics};

/// Most members of a pool: one bit each.
const MOST: usize = 64;

/// One server of a model.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: Arc<str>,
    pub(super) form: Form,
    pub(super) base: Base,
    pub(super) model: Option<String>,
    pub(super) api_version: String,
    pub(super) headers: HeaderMap,
    pub(super) credential: Arc<Credential>,
    pub(super) is_token: bool,
    pub(super) health: Arc<Health>,
    pub(super) metrics: MemberMetrics,
    weight: u32,
    priority: u32,
}

impl Member {
    pub(super) fn new(
        alias: &str,
        number: usize,
        config: &MemberConfig,
        shared: &Config,
        metrics: &Metrics,
        mut credential: impl FnMut(Reference) -> Arc<Credential>,
    ) -> Result<Member, ConfigError> {
        let name = config.name.clone().unwrap_or_else(|| format!("{alias}/{number}"));
        let base = Base::read(&config.url);
        let base = base.map_err(|reason| ConfigError::Url {
            member: name.clone(),
            url: config.url.clone(),
            reason,
        })?;
        if config.form == Form::Azure && config.model.is_none() {
            return Err(ConfigError::NoDeployment(name));
        }
        let reference = Reference::read(&config.credential, config.client_id.as_deref());
        let reference =
            reference.map_err(|reason| ConfigError::Credential { member: name.clone(), reason })?;
        Ok(Member {
            form: config.form,
            base,
            model: config.model.clone(),
            api_version: config.api_version.clone(),
            headers: added(&name, config)?,
            is_token: reference.is_token(),
            credential: credential(reference),
            health: Arc::new(Health::new(shared.breaker, Instant::now())),
            metrics: metrics.of_member(alias, &name),
            weight: config.weight,
            priority: config.priority,
            name: name.into(),
        })
    }

    /// Shows how it stands, in metrics.
    pub(super) fn show(&self, now: Instant) {
        let number = match self.health.standing(now) {
            Standing::Closed => 0,
            Standing::Open => 1,
            Standing::HalfOpen => 2,
            Standing::Resting => 3,
            Standing::Down => 4,
        };
        self.metrics.standing.set(number);
    }
}

fn added(member: &str, config: &MemberConfig) -> Result<HeaderMap, ConfigError> {
    const SECRETS: [&str; 4] = ["authorization", "api-key", "x-api-key", "cookie"];
    let mut headers = HeaderMap::new();
    for (name, value) in &config.headers {
        let refused =
            |reason| ConfigError::Header { member: member.to_owned(), header: name.clone(), reason };
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused("it is no name"))?;
        if SECRETS.contains(&name.as_str()) {
            return Err(refused("secrets are references; use `credential`"));
        }
        headers.insert(name, HeaderValue::from_str(value).map_err(|_| refused("its value cannot be sent"))?);
    }
    Ok(headers)
}

/// A request under way at a member.
#[derive(Debug)]
pub(super) struct Flight(Arc<Member>);

impl Flight {
    pub(super) fn new(member: &Arc<Member>) -> Flight {
        member.metrics.in_flight.inc();
        Flight(Arc::clone(member))
    }

    pub(super) fn name(&self) -> Arc<str> {
        Arc::clone(&self.0.name)
    }

    pub(super) fn body_failed(&self, now: Instant) {
        self.0.health.fail(now);
        self.0.metrics.count("broken");
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.0.metrics.in_flight.dec();
    }
}

/// The members that serve one alias.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) alias: String,
    /// By priority, lowest number first.
    pub(super) members: Vec<Arc<Member>>,
    pub(super) budget: Budget,
    pub(super) metrics: PoolMetrics,
}

/// A member that may be asked.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) member: Arc<Member>,
    pub(super) permit: Permit,
    /// The member's bit in the set of those that were tried.
    pub(super) bit: u64,
}

impl Pool {
    pub(super) fn new(
        alias: &str,
        mut members: Vec<Member>,
        config: &Config,
        metrics: &Metrics,
    ) -> Result<Pool, ConfigError> {
        if members.iter().all(|member| member.weight == 0) {
            return Err(ConfigError::Empty(alias.to_owned()));
        }
        if members.len() > MOST {
            return Err(ConfigError::Number { field: "members", expected: "at most 64 for one alias" });
        }
        members.sort_by_key(|member| member.priority);
        Ok(Pool {
            alias: alias.to_owned(),
            members: members.into_iter().map(Arc::new).collect(),
            budget: Budget::new(config.retry, Instant::now()),
            metrics: metrics.of_pool(alias),
        })
    }

    /// A member that may be asked and is none of those in `tried`: by priority, then by weight. Otherwise when it is worth
    /// asking again, where that is known.
    pub(super) fn choose(
        &self,
        now: Instant,
        tried: u64,
        mut random: impl FnMut() -> u64,
    ) -> Result<Chosen, Option<Instant>> {
        let mut excluded = tried;
        let mut soonest: Option<Instant> = None;
        for group in self.members.chunk_by(|one, other| one.priority == other.priority) {
            let first = self
                .members
                .iter()
                .position(|member| group.first().is_some_and(|head| Arc::ptr_eq(head, member)));
            let first = first.unwrap_or(0);
            while let Some((index, member)) = pick(group, first, excluded, &mut random) {
                let bit = 1_u64 << index;
                match member.health.admit(now) {
                    Ok(permit) => return Ok(Chosen { member: Arc::clone(member), permit, bit }),
                    Err(until) => {
                        excluded |= bit;
                        soonest = match (soonest, until) {
                            (Some(one), Some(other)) => Some(one.min(other)),
                            (one, other) => one.or(other),
                        };
                    }
                }
            }
        }
        Err(soonest)
    }
}

/// A member of a group by weight, with its place in the pool.
fn pick<'a>(
    group: &'a [Arc<Member>],
    first: usize,
    excluded: u64,
    random: &mut impl FnMut() -> u64,
) -> Option<(usize, &'a Arc<Member>)> {
    let left = || {
        group
            .iter()
            .enumerate()
            .map(|(index, member)| (first + index, member))
            .filter(|(index, member)| excluded & (1_u64 << index) == 0 && member.weight > 0)
    };
    let total: u64 = left().map(|(_, member)| u64::from(member.weight)).sum();
    // The product's high half is uniform to within total / 2^64.
    let mut at = u64::try_from((u128::from(random()) * u128::from(total)) >> 64).unwrap_or(0);
    left().find(|(_, member)| {
        let weight = u64::from(member.weight);
        let is_it = at < weight;
        at = at.saturating_sub(weight);
        is_it
    })
}
