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

use std::time::{Duration, Instant};

use castellan_base::{Limits, Origin, ResourceId, Sources, System};
use castellan_estate::live::{
    AuthMode, Collected, Credential, LiveError, LiveOptions, RetryPolicy, Target, collect_blocking,
};
use castellan_testkit::MemorySystem;
use castellan_testkit::fake_arm::estate::{self, SECOND_SUBSCRIPTION, SUBSCRIPTION, harbour};
use castellan_testkit::fake_arm::{FakeArm, Fault, TOKEN};

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
    collect_blocking(system, options, &Credential::new(mode), &|_, _, _| {})
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
    let steps = std::cell::RefCell::new(Vec::new());
    let collected = collect_blocking(
        &machine(),
        &options(&server),
        &Credential::new(AuthMode::Auto),
        &|done, total, what| {
            steps.borrow_mut().push((done, total, what.to_owned()));
        },
    )
    .unwrap();
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

    let steps = steps.into_inner();
    assert_eq!(steps.last().unwrap().0, steps.last().unwrap().1.unwrap());
    assert!(steps.iter().any(|(_, _, what)| what.ends_with("pilot-foundry/deployments")));
}

#[test]
fn documents_become_resources_with_positions() {
    let server = FakeArm::start(harbour());
    let collected = scan_with(&machine(), &options(&server), AuthMode::Auto).unwrap();
    let mut sources = Sources::default();
    let (resources, diagnostics) = collected.resources(&mut sources, &Limits::default());
    assert_eq!((resources.len(), diagnostics.len()), (HARBOUR, 0));
    let account = resources.iter().find(|resource| resource.name() == "pilot-foundry").unwrap();
    assert_eq!(account.origin, Origin::Live);
    assert!(account.is_type("Microsoft.CognitiveServices/accounts"));
    let key_access = account.at_path("properties.disableLocalAuth").unwrap();
    let location = sources.locate(key_access.span).unwrap().to_string();
    assert!(
        location.starts_with("azure:/subscriptions/") && location.contains("pilot-foundry:"),
        "{location}"
    );
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
fn bursts_of_errors_are_survived() {
    for (status, times) in [(500, 3), (502, 2), (503, 4), (504, 1), (408, 2), (429, 3)] {
        let (server, outcome) = scan("", Fault::burst(status, times));
        check_whole(&outcome.unwrap());
        let failed = server.recording().requests.iter().filter(|request| request.status == status).count();
        assert_eq!(failed, times, "status {status}");
    }
}

#[test]
fn retry_after_in_seconds_holds_everything_back() {
    let (server, outcome) = scan("pilot-foundry/deployments", Fault::throttle("1", 1));
    check_whole(&outcome.unwrap());
    let recording = server.recording();
    let asked = recording.matching("pilot-foundry/deployments?api-version=2025-06-01");
    let refused = asked[0];
    assert_eq!(refused.status, 429);
    assert!(asked[1].at - refused.at >= Duration::from_secs(1));
    // What was under way already may still arrive; after that nothing comes until the second is over.
    let margin = Duration::from_millis(200);
    let early = recording.requests.iter().filter(|request| {
        request.at > refused.at + margin && request.at < refused.at + Duration::from_secs(1)
    });
    assert_eq!(early.count(), 0);
}

#[test]
fn retry_after_as_a_date_is_kept() {
    // The fake's answers carry the `Date` of the real clock, to which the wait is relative.
    let start = Instant::now();
    let now = castellan_base::OsSystem.now().unix_nanos() / 1_000_000_000 + 2;
    let until = http_date(now);
    let (_server, outcome) = scan("old-openai/deployments", Fault::throttle(until, 1));
    check_whole(&outcome.unwrap());
    assert!(start.elapsed() >= Duration::from_millis(900), "{:?}", start.elapsed());
}

/// `seconds` since 1970 in the form of RFC 9110.
fn http_date(seconds: i128) -> String {
    let timestamp = jiff::Timestamp::from_second(i64::try_from(seconds).unwrap()).unwrap();
    timestamp.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[test]
fn a_wait_beyond_patience_is_a_failure() {
    let start = Instant::now();
    let (_server, outcome) = scan("pilot-foundry/deployments", Fault::throttle("86400", 1));
    let collected = outcome.unwrap();
    check_failure(&collected, "pilot-foundry/deployments", "status 429");
    assert_eq!(collected.is_complete(&foundry(), DEPLOYMENTS), Some(false));
    assert_eq!(collected.documents.len(), HARBOUR - 3);
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn broken_and_truncated_answers_are_asked_for_again() {
    for fault in [Fault::BrokenBody { times: 3 }, Fault::TruncatedJson { times: 3 }] {
        let (_server, outcome) = scan("", fault);
        check_whole(&outcome.unwrap());
    }
    let (_server, outcome) = scan("pilot-foundry/raiPolicies", Fault::TruncatedJson { times: usize::MAX });
    check_failure(&outcome.unwrap(), "pilot-foundry/raiPolicies", "not JSON");
    let (_server, outcome) = scan("pilot-foundry/raiPolicies", Fault::BrokenBody { times: usize::MAX });
    let collected = outcome.unwrap();
    assert_eq!(collected.failures.len(), 1);
    assert_eq!(collected.failures[0].status, None);
}

#[test]
fn slow_answers_are_cut_off_and_the_rest_goes_on() {
    let server = FakeArm::start(harbour());
    server.inject("pilot-foundry/raiPolicies", Fault::Slow(Duration::from_secs(60)));
    let retry = RetryPolicy { retries: 1, ..options(&server).retry };
    let impatient = LiveOptions { request_timeout: Duration::from_millis(600), retry, ..options(&server) };
    let start = Instant::now();
    let collected = scan_with(&machine(), &impatient, AuthMode::Auto).unwrap();
    check_failure(&collected, "pilot-foundry/raiPolicies", "timed out");
    assert_eq!(collected.documents.len(), HARBOUR - 1);
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn refused_parts_make_coverage_incomplete() {
    for status in [403, 404, 400, 409] {
        let (_server, outcome) = scan("pilots/connections", Fault::always(status));
        let collected = outcome.unwrap();
        check_failure(&collected, "pilots/connections", &format!("status {status}, Injected"));
        assert_eq!(collected.failures[0].status, Some(status));
        assert_eq!(collected.documents.len(), HARBOUR - 3);
        let project = foundry().child("projects", "pilots");
        let connections = "Microsoft.CognitiveServices/accounts/projects/connections";
        assert_eq!(collected.is_complete(&project, connections), Some(false));
        assert_eq!(collected.is_complete(&foundry(), DEPLOYMENTS), Some(true));
    }
    let (_server, outcome) = scan("pilots/connections", Fault::always(403));
    let next_step = outcome.unwrap().failures[0].next_step.clone();
    assert_eq!(
        next_step,
        format!("assign the role Reader at `/subscriptions/{SUBSCRIPTION}` to the identity that scans")
    );
}

#[test]
fn a_full_read_that_fails_leaves_the_row_of_resource_graph() {
    let (_server, outcome) = scan("accounts/pilot-foundry?", Fault::always(403));
    let collected = outcome.unwrap();
    assert_eq!(collected.documents.len(), HARBOUR);
    let account = collected.documents.iter().find(|body| body["name"] == "pilot-foundry").unwrap();
    assert_eq!(account["properties"]["disableLocalAuth"], false);
    assert!(account["properties"].get("allowProjectManagement").is_none());
    assert_eq!(collected.is_complete(&foundry(), "Microsoft.CognitiveServices/accounts"), Some(false));
}

#[test]
fn when_nothing_can_be_read_there_is_one_clear_error() {
    for status in [401, 403] {
        let (_server, outcome) = scan("", Fault::always(status));
        let error = outcome.unwrap_err();
        assert!(error.to_string().starts_with("nothing could be read: `"), "{error}");
        assert!(error.to_string().contains(&format!("status {status}")), "{error}");
    }
    let server = FakeArm::start(harbour());
    let wrong = MemorySystem::default().with_env("AZURE_ACCESS_TOKEN", "wrong-token");
    let error = scan_with(&wrong, &options(&server), AuthMode::Auto).unwrap_err();
    assert!(error.to_string().contains("sign in again") && !error.to_string().contains("wrong-token"));
}

#[test]
fn resource_graph_can_fail_half_way() {
    let (_server, outcome) = scan("Microsoft.ResourceGraph", Fault::ResultTruncated);
    let collected = outcome.unwrap();
    assert_eq!(collected.failures.len(), 1, "only the table with more than one page");
    check_failure(&collected, "table resources", "returned only 3 of 5 rows");
    let subscription = id(&format!("/subscriptions/{SUBSCRIPTION}"));
    assert_eq!(collected.is_complete(&subscription, "*"), Some(false));
    assert_eq!(collected.is_complete(&subscription, "Microsoft.Authorization/roleAssignments"), Some(true));
}

#[test]
fn endless_pages_end() {
    let (server, outcome) = scan("Microsoft.ResourceGraph", Fault::RepeatedPageToken);
    let collected = outcome.unwrap();
    assert!(collected.failures.iter().all(|failure| failure.message.contains("same page token")));
    assert_eq!(collected.failures.len(), 4);
    assert!(server.recording().matching("ResourceGraph").len() <= 12);

    let (server, outcome) = scan("pilot-foundry/deployments", Fault::RepeatedPageToken);
    check_failure(&outcome.unwrap(), "pilot-foundry/deployments", "same `nextLink`");
    assert!(server.recording().matching("pilot-foundry/deployments?").len() <= 3);

    let server = FakeArm::start(harbour());
    server.set_page_sizes(1, 1);
    let few_pages = LiveOptions { pages: 2, ..options(&server) };
    let collected = scan_with(&machine(), &few_pages, AuthMode::Auto).unwrap();
    assert!(collected.failures.iter().any(|failure| failure.message == "there are more than 2 pages"));
}

#[test]
fn the_token_never_leaves_for_another_server() {
    let stranger = FakeArm::start(harbour());
    for fault in [Fault::NextLinkTo(stranger.endpoint()), Fault::RedirectTo(stranger.endpoint())] {
        let (_server, outcome) = scan("pilot-foundry/deployments", fault);
        let collected = outcome.unwrap();
        assert_eq!(collected.failures.len(), 1);
        assert!(collected.failures[0].message.contains("not followed"), "{}", collected.failures[0]);
        assert_eq!(collected.is_complete(&foundry(), DEPLOYMENTS), Some(false));
    }
    assert_eq!(stranger.recording().requests.len(), 0);
}

#[test]
fn a_huge_answer_is_refused_before_it_is_held() {
    let server = FakeArm::start(harbour());
    server.inject("pilot-foundry/deployments", Fault::HugeBody(1 << 30));
    let small = LiveOptions { response_bytes: 1 << 20, ..options(&server) };
    let start = Instant::now();
    let collected = scan_with(&machine(), &small, AuthMode::Auto).unwrap();
    check_failure(&collected, "pilot-foundry/deployments", "larger than 1048576 bytes");
    assert!(start.elapsed() < Duration::from_secs(5));
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
fn messages_do_not_repeat_the_token() {
    let (_server, outcome) = scan("pilot-foundry/deployments", Fault::EchoToken);
    let collected = outcome.unwrap();
    check_failure(&collected, "pilot-foundry/deployments", "bad header Bearer [redacted]");
    assert!(!format!("{collected:?}").contains(TOKEN));
}

#[test]
fn dropping_the_future_ends_the_requests() {
    let server = FakeArm::start(harbour());
    server.inject("", Fault::Slow(Duration::from_secs(30)));
    let (system, options) = (machine(), options(&server));
    let credential = Credential::new(AuthMode::Auto);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let collection = castellan_estate::live::collect(&system, &options, &credential, &|_, _, _| {});
        assert!(tokio::time::timeout(Duration::from_millis(300), collection).await.is_err());
    });
    drop(runtime);
    assert_eq!(server.recording().requests.len(), CONCURRENCY);
}

/// Collects with a token from a source; returns the server and what was collected.
fn sign_in(
    mode: AuthMode,
    machine: impl Fn(&FakeArm) -> MemorySystem,
) -> (FakeArm, Result<Collected, LiveError>) {
    let server = FakeArm::start(harbour());
    let system = machine(&server);
    let outcome = scan_with(&system, &options(&server), mode);
    (server, outcome)
}

fn application(server: &FakeArm) -> MemorySystem {
    MemorySystem::default()
        .with_env("AZURE_AUTHORITY_HOST", &server.endpoint())
        .with_env("AZURE_TENANT_ID", "7e000000-0000-4000-8000-000000000001")
        .with_env("AZURE_CLIENT_ID", "c11e0000-0000-4000-8000-000000000001")
}

#[test]
fn workload_identity_and_service_principal() {
    let workload = |server: &FakeArm| {
        application(server)
            .with_env("AZURE_FEDERATED_TOKEN_FILE", "/var/run/token")
            .with_file("/var/run/token", "federated-jwt\n")
    };
    let principal = |server: &FakeArm| application(server).with_env("AZURE_CLIENT_SECRET", "s3cret");
    for mode in [AuthMode::Auto, AuthMode::Workload] {
        let (server, outcome) = sign_in(mode, workload);
        check_whole(&outcome.unwrap());
        assert_eq!(server.tokens_issued(), 1);
        let recording = server.recording();
        let asked = recording.matching("/oauth2/v2.0/token");
        assert_eq!(asked[0].authorization, None);
        assert!(asked[0].target.starts_with("/7e000000-0000-4000-8000-000000000001/"));
    }
    for mode in [AuthMode::Auto, AuthMode::ServicePrincipal] {
        let (server, outcome) = sign_in(mode, principal);
        check_whole(&outcome.unwrap());
        assert_eq!(server.tokens_issued(), 1);
    }
    let (_server, outcome) =
        sign_in(AuthMode::Auto, |server| application(server).with_env("AZURE_CLIENT_SECRET", "old-secret"));
    let message = outcome.unwrap_err().to_string();
    assert!(message.contains("AADSTS7000215") && !message.contains("old-secret"), "{message}");
    assert!(!message.contains("Trace ID"), "{message}");
}

#[test]
fn managed_identity() {
    let platform = |server: &FakeArm| {
        MemorySystem::default()
            .with_env("IDENTITY_ENDPOINT", &format!("{}/msi/token", server.endpoint()))
            .with_env("IDENTITY_HEADER", "platform-secret")
    };
    for mode in [AuthMode::Auto, AuthMode::Managed] {
        let (server, outcome) = sign_in(mode, platform);
        check_whole(&outcome.unwrap());
        let recording = server.recording();
        let asked = recording.matching("/msi/token");
        assert!(
            asked[0].target.contains("resource=https%3A%2F%2Fmanagement.azure.com"),
            "{}",
            asked[0].target
        );
    }
    let (server, outcome) = sign_in(AuthMode::Managed, |server| {
        MemorySystem::default().with_env("AZURE_POD_IDENTITY_AUTHORITY_HOST", &server.endpoint())
    });
    check_whole(&outcome.unwrap());
    assert_eq!(server.recording().matching("/metadata/identity/oauth2/token").len(), 1);
}

#[test]
fn token_endpoints_are_asked_again_when_busy() {
    let server = FakeArm::start(harbour());
    server.inject(
        "/oauth2/",
        Fault::Status { status: 503, wait: Some(("retry-after-ms", "5".into())), times: 2 },
    );
    let system = application(&server).with_env("AZURE_CLIENT_SECRET", "s3cret");
    check_whole(&scan_with(&system, &options(&server), AuthMode::Auto).unwrap());
    assert_eq!(server.recording().matching("/oauth2/").len(), 3);
}

#[test]
fn azure_cli() {
    let answer = format!(r#"{{"accessToken": "{TOKEN}", "expires_on": 4102444800, "tokenType": "Bearer"}}"#);
    let server = FakeArm::start(harbour());
    let command_line = "az account get-access-token --resource https://management.azure.com -o json";
    let system = MemorySystem::default().with_program(command_line, &answer);
    check_whole(&scan_with(&system, &options(&server), AuthMode::Auto).unwrap());
    assert_eq!(system.runs(), [command_line]);

    let output = castellan_base::ProgramOutput {
        code: Some(1),
        stdout: Vec::new(),
        stderr: b"\nERROR: Please run 'az login' to setup account.\n".to_vec(),
    };
    let signed_out = MemorySystem::default().with_program_output("az account", output);
    let error = scan_with(&signed_out, &options(&server), AuthMode::Cli).unwrap_err().to_string();
    assert_eq!(
        error,
        "no access token from the Azure CLI: ERROR: Please run 'az login' to setup account.; run `az login`"
    );
    let error =
        scan_with(&MemorySystem::default(), &options(&server), AuthMode::Auto).unwrap_err().to_string();
    assert!(error.contains("AZURE_ACCESS_TOKEN"), "{error}");
    for (mode, variable) in [
        (AuthMode::Environment, "AZURE_ACCESS_TOKEN"),
        (AuthMode::Workload, "AZURE_FEDERATED_TOKEN_FILE"),
        (AuthMode::ServicePrincipal, "AZURE_CLIENT_SECRET"),
    ] {
        let error = scan_with(&MemorySystem::default(), &options(&server), mode).unwrap_err().to_string();
        assert!(error.contains("not configured") && error.contains(variable), "{error}");
    }
}

#[test]
fn tokens_are_renewed_before_they_end_and_after_a_refusal() {
    // Tokens that live for less than the margin are replaced with every request.
    let server = FakeArm::start(harbour());
    server.set_token_lifetime(60);
    let system = application(&server).with_env("AZURE_CLIENT_SECRET", "s3cret");
    check_whole(&scan_with(&system, &options(&server), AuthMode::Auto).unwrap());
    assert!(server.tokens_issued() > 10);

    // A token that ends early, as after a revocation, is replaced once for all requests that meet the refusal.
    let server = FakeArm::start(harbour());
    let system = application(&server).with_env("AZURE_CLIENT_SECRET", "s3cret");
    let credential = Credential::new(AuthMode::Auto);
    let revoked = std::cell::Cell::new(false);
    let outcome = collect_blocking(&system, &options(&server), &credential, &|done, _, _| {
        if done == 10 && !revoked.replace(true) {
            server.set_token("fake-arm-token-2");
        }
    });
    check_whole(&outcome.unwrap());
    assert_eq!(server.tokens_issued(), 2);
}

#[test]
fn unsafe_addresses_are_refused() {
    let server = FakeArm::start(harbour());
    for endpoint in
        ["http://management.example", "ftp://127.0.0.1", "https://user@a.example", "https://a.example/p", "x"]
    {
        let options = LiveOptions { endpoint: Some(endpoint.to_owned()), ..options(&server) };
        let error = scan_with(&machine(), &options, AuthMode::Auto).unwrap_err();
        assert!(matches!(&error, LiveError::Endpoint { endpoint: named } if named == endpoint), "{error}");
    }
    let (_server, outcome) = sign_in(AuthMode::Auto, |server| {
        application(server)
            .with_env("AZURE_AUTHORITY_HOST", "http://login.example")
            .with_env("AZURE_CLIENT_SECRET", "s3cret")
    });
    assert!(outcome.unwrap_err().to_string().contains("AZURE_AUTHORITY_HOST"));
    // The variable stands in for the option.
    let from_variable = LiveOptions { endpoint: None, ..options(&server) };
    let system = machine().with_env("CASTELLAN_ARM_ENDPOINT", &server.endpoint());
    check_whole(&scan_with(&system, &from_variable, AuthMode::Auto).unwrap());
}

#[test]
fn every_request_may_fail_at_first() {
    // Faults of every kind at once, spread over the estate: nothing may be missing afterwards.
    let server = FakeArm::start(harbour());
    server.inject("raiPolicies", Fault::burst(500, 3));
    server.inject("ResourceGraph", Fault::throttle("0", 4));
    server.inject("projects", Fault::TruncatedJson { times: 3 });
    server.inject("deployments", Fault::BrokenBody { times: 4 });
    server.inject("diagnosticSettings", Fault::burst(503, 5));
    server.inject("connections", Fault::Slow(Duration::from_millis(20)));
    let collected = scan_with(&machine(), &options(&server), AuthMode::Auto).unwrap();
    check_whole(&collected);
    assert!(server.recording().most_under_way <= CONCURRENCY);
    let undisturbed = FakeArm::start(harbour());
    assert_eq!(scan_with(&machine(), &options(&undisturbed), AuthMode::Auto).unwrap(), collected);
}
