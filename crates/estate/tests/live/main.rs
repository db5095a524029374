//! Live collection against a fake Resource Manager, faults included.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods
)]

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use castellan_base::{Limits, ResourceId, Sources, System};
use castellan_estate::live::{
    AuthMode, Collected, Credential, LiveError, LiveOptions, RetryPolicy, Target, collect_blocking,
};
use castellan_estate::{Progress, Silent};
use castellan_testkit::MemorySystem;
use castellan_testkit::fake_arm::estate::{self, SECOND_SUBSCRIPTION, SUBSCRIPTION, harbour};
use castellan_testkit::fake_arm::{FakeArm, Fault, TOKEN};

mod faults;
mod sign_in;

const CONCURRENCY: usize = 4;

/// Resources of the first subscription: 2 containers, 5 that Resource Graph knows, 3 of governance, 19 below them.
const HARBOUR: usize = 29;

fn options(server: &FakeArm) -> LiveOptions {
    LiveOptions {
        target: format!("azure:{SUBSCRIPTION}").parse().unwrap(),
        endpoint: Some(server.endpoint()),
        concurrency: CONCURRENCY,
        retry: RetryPolicy {
            retries: 5,
            first_wait: Duration::from_millis(4),
            longest_wait: Duration::from_millis(20),
            total_wait: Duration::from_secs(5),
        },
        request_timeout: Duration::from_secs(10),
        ..LiveOptions::default()
    }
}

fn machine() -> MemorySystem {
    MemorySystem::default().with_env("AZURE_ACCESS_TOKEN", TOKEN)
}

fn scan_with(system: &dyn System, options: &LiveOptions, mode: AuthMode) -> Result<Collected, LiveError> {
    collect_blocking(system, options, &Credential::new(mode), &Silent)
}

/// Progress that calls back.
struct Steps<F>(F);

impl<F: Fn(usize, Option<usize>, &str) + Sync> Progress for Steps<F> {
    fn step(&self, done: usize, total: Option<usize>, what: &str) {
        (self.0)(done, total, what);
    }
}

/// Collects with one fault switched on.
fn scan(matching: &str, fault: Fault) -> (FakeArm, Result<Collected, LiveError>) {
    let server = FakeArm::start(harbour());
    server.inject(matching, fault);
    let outcome = scan_with(&machine(), &options(&server), AuthMode::Auto);
    (server, outcome)
}

/// The collection is whole in spite of a fault.
#[track_caller]
fn check_whole(collected: &Collected) {
    assert_eq!(collected.failures, []);
    assert_eq!(collected.documents.len(), HARBOUR);
    let incomplete: Vec<_> = collected.coverage.iter().filter(|record| !record.complete).collect();
    assert!(incomplete.is_empty(), "{incomplete:?}");
}

/// The one failure of the collection and what it says.
#[track_caller]
fn check_failure(collected: &Collected, what: &str, message: &str) {
    let [failure] = collected.failures.as_slice() else { panic!("{:#?}", collected.failures) };
    assert!(failure.what.ends_with(what), "{failure}");
    assert!(failure.message.contains(message), "{failure}");
    assert!(!failure.next_step.is_empty());
    let [diagnostic] = collected.diagnostics().try_into().unwrap();
    assert_eq!(diagnostic.help, failure.next_step);
}

fn id(text: &str) -> ResourceId {
    text.parse().unwrap()
}

fn foundry() -> ResourceId {
    id(&estate::foundry_account())
}

const DEPLOYMENTS: &str = "Microsoft.CognitiveServices/accounts/deployments";

#[test]
fn the_whole_estate_is_collected() {
    let server = FakeArm::start(harbour());
    let steps = Mutex::new(Vec::new());
    let progress =
        Steps(|done, total, what: &str| steps.lock().unwrap().push((done, total, what.to_owned())));
    let credential = Credential::new(AuthMode::Auto);
    let collected = collect_blocking(&machine(), &options(&server), &credential, &progress).unwrap();
    check_whole(&collected);

    let of_type = |name: &str| collected.documents.iter().filter(|body| body["type"] == name).count();
    assert_eq!(of_type("Microsoft.CognitiveServices/accounts"), 2);
    assert_eq!(of_type(DEPLOYMENTS), 4);
    assert_eq!(of_type("Microsoft.CognitiveServices/accounts/projects/connections"), 3);
    assert_eq!(of_type("Microsoft.CognitiveServices/accounts/projects/applications"), 1);
    assert_eq!(of_type("Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments"), 2);
    assert_eq!(of_type("Microsoft.Storage/storageAccounts/blobServices/containers"), 1);
    assert_eq!(of_type("Microsoft.Insights/diagnosticSettings"), 1);
    assert_eq!(of_type("Microsoft.Authorization/policyExemptions"), 1);
    assert_eq!(of_type("Microsoft.PolicyInsights/policyStates"), 0);

    // What Resource Graph leaves out comes from the full read.
    let account = collected.documents.iter().find(|body| body["name"] == "pilot-foundry").unwrap();
    assert_eq!(account["properties"]["allowProjectManagement"], true);

    assert_eq!(collected.is_complete(&foundry(), DEPLOYMENTS), Some(true));
    assert_eq!(collected.is_complete(&foundry(), "Microsoft.Insights/diagnosticSettings"), Some(true));
    assert_eq!(collected.is_complete(&id(&format!("/subscriptions/{SUBSCRIPTION}")), "*"), Some(true));
    assert_eq!(collected.is_complete(&foundry(), "Microsoft.Search/searchServices"), None);

    let recording = server.recording();
    assert!(recording.most_under_way <= CONCURRENCY, "{} at once", recording.most_under_way);
    assert!(recording.most_under_way >= 2, "nothing ran side by side");
    assert!(recording.requests.iter().all(|request| request.authorization.is_some()));
    let agent = concat!("castellan/", env!("CARGO_PKG_VERSION"));
    assert!(recording.requests.iter().all(|request| request.user_agent.as_deref() == Some(agent)));
    let writes: Vec<_> = recording.requests.iter().filter(|request| request.method != "GET").collect();
    assert!(writes.iter().all(|request| request.target.contains("Microsoft.ResourceGraph")));
    // An account without projects is not asked for them, and nothing is asked for twice.
    assert!(recording.matching("old-openai/projects").is_empty());
    let mut targets: Vec<_> =
        recording.requests.iter().map(|request| (&request.target, &request.body)).collect();
    let asked = targets.len();
    targets.sort();
    targets.dedup();
    assert_eq!(targets.len(), asked);

    let steps = steps.into_inner().unwrap();
    assert_eq!(steps.last().unwrap().0, steps.last().unwrap().1.unwrap());
    assert!(steps.iter().any(|(_, _, what)| what.ends_with("pilot-foundry/deployments")));
}

#[test]
fn documents_have_positions() {
    let server = FakeArm::start(harbour());
    let collected = scan_with(&machine(), &options(&server), AuthMode::Auto).unwrap();
    let mut sources = Sources::default();
    let (nodes, diagnostics) = collected.nodes(&mut sources, &Limits::default());
    assert_eq!((nodes.len(), diagnostics.len()), (HARBOUR, 0));
    let account =
        nodes.iter().find(|node| node.get("name").unwrap().as_str() == Some("pilot-foundry")).unwrap();
    let key_access = account.at_path("properties.disableLocalAuth").unwrap();
    let location = sources.locate(key_access.span).unwrap().to_string();
    assert!(
        location.starts_with("azure:/subscriptions/") && location.contains("pilot-foundry:"),
        "{location}"
    );
    let shallow = Limits { depth: 1, ..Limits::default() };
    let (nodes, diagnostics) = collected.nodes(&mut Sources::default(), &shallow);
    assert_eq!(nodes.len() + diagnostics.len(), HARBOUR);
    assert!(!diagnostics.is_empty());
}

#[test]
fn a_tenant_is_all_its_subscriptions() {
    let server = FakeArm::start(harbour());
    let tenant = LiveOptions { target: Target::Tenant, compliance_states: true, ..options(&server) };
    let collected = scan_with(&machine(), &tenant, AuthMode::Auto).unwrap();
    assert_eq!(collected.failures, []);
    // The other subscription, its Defender plan and its vault; a compliance state.
    assert_eq!(collected.documents.len(), HARBOUR + 4);
    let other = id(&format!("/subscriptions/{SECOND_SUBSCRIPTION}"));
    assert_eq!(collected.is_complete(&other, "*"), Some(true));
    assert_eq!(collected.is_complete(&id("/"), "Microsoft.Resources/subscriptions"), Some(true));
    assert_eq!(server.recording().matching("/subscriptions?api-version").len(), 1);

    let nobody = FakeArm::start(estate::FakeEstate::default());
    let tenant = LiveOptions { target: Target::Tenant, ..options(&nobody) };
    assert!(matches!(scan_with(&machine(), &tenant, AuthMode::Auto), Err(LiveError::NoSubscription)));
}

#[test]
fn a_subscription_that_is_not_seen_is_said_to_be_missing() {
    let server = FakeArm::start(harbour());
    let hidden = "5cab1e00-0000-4000-8000-0000000000ff";
    let target = format!("azure:{SUBSCRIPTION},{hidden}").parse().unwrap();
    let collected =
        scan_with(&machine(), &LiveOptions { target, ..options(&server) }, AuthMode::Auto).unwrap();
    check_failure(&collected, hidden, "404");
    assert_eq!(collected.documents.len(), HARBOUR);
    assert_eq!(collected.is_complete(&id(&format!("/subscriptions/{hidden}")), "*"), Some(false));
    assert_eq!(collected.is_complete(&id(&format!("/subscriptions/{SUBSCRIPTION}")), "*"), Some(true));
}

#[test]
fn the_number_of_resources_is_bounded() {
    let server = FakeArm::start(harbour());
    let bounded = LiveOptions { resources: 10, ..options(&server) };
    let collected = scan_with(&machine(), &bounded, AuthMode::Auto).unwrap();
    assert_eq!(collected.documents.len(), 10);
    assert!(collected.failures.iter().any(|failure| failure.message == "there are more than 10 resources"));
}

#[test]
fn dropping_the_future_ends_the_requests() {
    let server = FakeArm::start(harbour());
    server.inject("", Fault::Slow(Duration::from_secs(30)));
    let (system, options) = (machine(), options(&server));
    let credential = Credential::new(AuthMode::Auto);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let collection = castellan_estate::live::collect(&system, &options, &credential, &Silent);
        assert!(tokio::time::timeout(Duration::from_millis(300), collection).await.is_err());
    });
    drop(runtime);
    // Whatever arrived was under way when the future was dropped, and nothing follows.
    assert!(server.recording().requests.len() <= CONCURRENCY);
}

/// The harbour's estate with this many more accounts, each with three deployments.
fn fleet(accounts: usize) -> estate::FakeEstate {
    let mut large = harbour();
    for number in 0..accounts {
        let account = estate::add_openai_account(&mut large, &format!("fleet-{number}"));
        let model = |name: &str| serde_json::json!({"model": {"format": "OpenAI", "name": name}});
        let deployments = [("a", model("gpt-4.1")), ("b", model("o4-mini")), ("c", model("te-3"))];
        large.list(&account, "deployments", DEPLOYMENTS, &deployments);
    }
    large
}

#[test]
fn a_larger_estate_keeps_the_bound() {
    const ACCOUNTS: usize = 60;
    let server = FakeArm::start(fleet(ACCOUNTS));
    server.set_page_sizes(7, 2);
    server.inject("fleet-3", Fault::burst(503, 5));
    let collected = scan_with(&machine(), &options(&server), AuthMode::Auto).unwrap();
    assert_eq!(collected.failures, []);
    assert_eq!(collected.documents.len(), HARBOUR + 4 * ACCOUNTS);
    let recording = server.recording();
    assert!((2..=CONCURRENCY).contains(&recording.most_under_way), "{} at once", recording.most_under_way);
    assert_eq!(recording.matching("fleet-7/deployments?").len(), 2, "three deployments are two pages");
}
