//! The work of one collection: a queue of requests, each answer of which may bring new ones.

use std::collections::{BTreeMap, HashSet, VecDeque};

use castellan_base::ResourceId;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde_json::Value;

use super::catalogue::{self, ChildList, FullRead};
use super::client::{ArmClient, Listing};
use super::failure::{Failure, Refusal};
use super::graph::{self, Table};
use super::{Collected, LiveOptions, SUBSCRIPTIONS_API_VERSION, document};
use crate::{Coverage, Progress};

/// One thing to ask for.
enum Job {
    /// A subscription by itself, which shows whether the identity may see it: Resource Graph silently leaves out those
    /// that it may not.
    Subscription(ResourceId),
    Table(&'static Table, Vec<String>),
    Read(ResourceId, &'static FullRead),
    Children(ResourceId, &'static ChildList),
}

impl Job {
    /// What is asked for, in words for progress and failures.
    fn what(&self) -> String {
        match self {
            Job::Subscription(id) | Job::Read(id, _) => id.to_string(),
            Job::Table(table, _) => format!("Resource Graph table {}", table.name),
            Job::Children(parent, list) => format!("{parent}/{}", list.path),
        }
    }

    async fn run(self, client: &ArmClient<'_>) -> (Job, Listing) {
        let listing = match &self {
            Job::Subscription(id) => one(client.get(id.as_str(), SUBSCRIPTIONS_API_VERSION).await),
            Job::Read(id, read) => one(client.get(id.as_str(), read.api_version).await),
            Job::Table(table, subscriptions) => graph::rows(client, table, subscriptions).await,
            Job::Children(parent, list) => {
                client.list(&format!("{parent}/{}", list.path), list.api_version).await
            }
        };
        (self, listing)
    }
}

fn one(answer: Result<Value, Refusal>) -> Listing {
    match answer {
        Ok(item) => Listing { items: vec![item], refusal: None },
        Err(refusal) => Listing { items: Vec::new(), refusal: Some(refusal) },
    }
}

/// How well an interface describes a resource; the better one wins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    GraphRow,
    ListItem,
    FullRead,
}

/// What has been collected so far and what is still to do.
pub(super) struct Collection<'c> {
    client: &'c ArmClient<'c>,
    options: &'c LiveOptions,
    documents: BTreeMap<ResourceId, (Rank, Value)>,
    coverage: BTreeMap<(ResourceId, String), Coverage>,
    failures: Vec<Failure>,
    queue: VecDeque<Job>,
    /// What was queued, by parent and path: a resource may be met in several answers.
    queued: HashSet<(ResourceId, &'static str)>,
    settled: usize,
}

impl<'c> Collection<'c> {
    pub(super) fn new(client: &'c ArmClient<'c>, options: &'c LiveOptions, subscriptions: &[String]) -> Self {
        let mut queue = VecDeque::new();
        for chunk in subscriptions.chunks(graph::SUBSCRIPTIONS_PER_QUERY) {
            let tables =
                graph::TABLES.iter().filter(|table| options.compliance_states || !table.only_with_states);
            queue.extend(tables.map(|table| Job::Table(table, chunk.to_vec())));
        }
        queue.extend(subscriptions.iter().filter_map(|id| subscription_id(id)).map(Job::Subscription));
        Collection {
            client,
            options,
            documents: BTreeMap::new(),
            coverage: BTreeMap::new(),
            failures: Vec::new(),
            queue,
            queued: HashSet::new(),
            settled: 0,
        }
    }

    /// Works until nothing is left to ask for. Dropping the future ends all requests.
    pub(super) async fn run(mut self, progress: &dyn Progress) -> Collected {
        let client = self.client;
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < self.options.concurrency.max(1) {
                let Some(job) = self.queue.pop_front() else { break };
                running.push(job.run(client));
            }
            let Some((job, listing)) = running.next().await else { break };
            let what = job.what();
            self.settle(job, listing);
            self.settled += 1;
            progress.step(self.settled, Some(self.settled + running.len() + self.queue.len()), &what);
        }
        let documents = self.documents.into_values().map(|(_, body)| body).collect();
        self.failures.sort_by(|left, right| left.what.cmp(&right.what));
        Collected { documents, coverage: self.coverage.into_values().collect(), failures: self.failures }
    }

    fn settle(&mut self, job: Job, listing: Listing) {
        let rank = match &job {
            Job::Subscription(_) | Job::Read(..) => Rank::FullRead,
            Job::Table(..) => Rank::GraphRow,
            Job::Children(..) => Rank::ListItem,
        };
        let listed = match &job {
            Job::Children(parent, list) => Some((parent, *list)),
            _ => None,
        };
        let mut refusal = listing.refusal;
        for item in listing.items {
            if let Err(problem) = self.take(item, rank, listed) {
                refusal = refusal.or(Some(problem));
            }
        }
        self.note_coverage(&job, refusal.as_ref());
        if let Some(refusal) = refusal {
            let scope = self.scope_of(&job);
            self.failures.push(refusal.of(job.what(), &scope));
        }
    }

    /// Keeps one item and queues what is to be asked about it.
    fn take(
        &mut self,
        item: Value,
        rank: Rank,
        listed: Option<(&ResourceId, &ChildList)>,
    ) -> Result<(), Refusal> {
        let Some((id, body)) = document::normalise(item, listed) else {
            return Err(Refusal::answer("an item of the answer is not a resource"));
        };
        if let Some((parent, _)) = listed
            && !id.is_within(parent)
        {
            return Err(Refusal::answer("an item of the answer belongs to another resource"));
        }
        let known_rank = self.documents.get(&id).map(|(rank, _)| *rank);
        if known_rank.is_none() && self.documents.len() >= self.options.resources {
            let most = self.options.resources;
            return Err(Refusal::bound(format!("there are more than {most} resources")));
        }
        self.queue_reads(&id, &body);
        if known_rank.is_none_or(|known| known <= rank) {
            self.documents.insert(id, (rank, body));
        }
        Ok(())
    }

    fn queue_reads(&mut self, id: &ResourceId, body: &Value) {
        let resource_type = id.resource_type();
        if let Some(read) = catalogue::full_read(&resource_type)
            && self.queued.insert((id.clone(), ""))
        {
            self.queue.push_back(Job::Read(id.clone(), read));
        }
        let kind = body.get("kind").and_then(Value::as_str);
        for list in catalogue::child_lists(&resource_type) {
            if !self.queued.insert((id.clone(), list.path)) {
                continue;
            }
            if list.applies_to(kind) {
                self.queue.push_back(Job::Children(id.clone(), list));
            } else {
                // Resources of this kind cannot have any.
                self.cover(id, list.child_type, true, String::new());
            }
        }
    }

    fn note_coverage(&mut self, job: &Job, refusal: Option<&Refusal>) {
        let complete = refusal.is_none();
        let reason = refusal.map(|refusal| refusal.message.clone()).unwrap_or_default();
        match job {
            Job::Subscription(id) => self.cover(id, "*", complete, reason),
            Job::Table(table, subscriptions) => {
                for id in subscriptions.iter().filter_map(|id| subscription_id(id)) {
                    for child_type in table.answers_for() {
                        self.cover(&id, child_type, complete, reason.clone());
                    }
                }
            }
            Job::Read(id, read) => self.cover(id, read.resource_type, complete, reason),
            Job::Children(parent, list) => self.cover(parent, list.child_type, complete, reason),
        }
    }

    /// Records coverage; what one request left incomplete stays so.
    fn cover(&mut self, parent: &ResourceId, child_type: &str, complete: bool, reason: String) {
        let key = (parent.clone(), child_type.to_ascii_lowercase());
        let record = Coverage { parent: parent.clone(), resource_type: child_type.into(), complete, reason };
        let known = self.coverage.entry(key).or_insert_with(|| record.clone());
        if known.complete && !complete {
            *known = record;
        }
    }

    /// Where a missing role would have to be assigned.
    fn scope_of(&self, job: &Job) -> String {
        match job {
            Job::Subscription(id) | Job::Read(id, _) | Job::Children(id, _) => match id.subscription() {
                Some(subscription) => format!("/subscriptions/{subscription}"),
                None => id.to_string(),
            },
            Job::Table(_, subscriptions) => match subscriptions.as_slice() {
                [only] => format!("/subscriptions/{only}"),
                _ => "each subscription".to_owned(),
            },
        }
    }
}

fn subscription_id(id: &str) -> Option<ResourceId> {
    format!("/subscriptions/{id}").parse().ok()
}
