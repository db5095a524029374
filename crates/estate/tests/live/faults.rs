//! What goes wrong between the collector and Resource Manager.

use super::*;

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
    let server = FakeArm::start(fleet(40));
    server.inject("pilot-foundry/deployments", Fault::throttle("1", 1));
    let collected = scan_with(&machine(), &options(&server), AuthMode::Auto).unwrap();
    assert_eq!(collected.failures, []);
    let recording = server.recording();
    let asked = recording.matching("pilot-foundry/deployments?api-version=2025-06-01");
    let refused = asked[0];
    assert_eq!(refused.status, 429);
    assert!(asked[1].at - refused.at >= Duration::from_secs(1));
    // Requests that were under way before the refusal was read still arrive, the hundreds after them only once the
    // second is over. On a busy machine a few more slip through, hence no exact figure.
    let is_early = |at: Instant| at > refused.at && at < refused.at + Duration::from_secs(1);
    let early = recording.requests.iter().filter(|request| is_early(request.at)).count();
    let later = recording.requests.iter().filter(|request| request.at > refused.at).count() - early;
    assert!(later > 200 && early * 2 < later, "{early} requests came early, {later} later");
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
    assert!(start.elapsed() < Duration::from_secs(60));
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
    let impatient = LiveOptions { request_timeout: Duration::from_millis(1200), retry, ..options(&server) };
    let start = Instant::now();
    let collected = scan_with(&machine(), &impatient, AuthMode::Auto).unwrap();
    check_failure(&collected, "pilot-foundry/raiPolicies", "timed out");
    assert_eq!(collected.documents.len(), HARBOUR - 1);
    assert!(start.elapsed() < Duration::from_secs(40));
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
        assert!(error.to_string().starts_with("nothing could be collected; `"), "{error}");
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
    let collected = scan_with(&machine(), &small, AuthMode::Auto).unwrap();
    check_failure(&collected, "pilot-foundry/deployments", "larger than 1048576 bytes");
}

#[test]
fn messages_do_not_repeat_the_token() {
    let (_server, outcome) = scan("pilot-foundry/deployments", Fault::EchoToken);
    let collected = outcome.unwrap();
    check_failure(&collected, "pilot-foundry/deployments", "bad header Bearer [redacted]");
    assert!(!format!("{collected:?}").contains(TOKEN));
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

#[test]
fn an_unreachable_endpoint_is_one_clear_error() {
    let server = FakeArm::start(harbour());
    // A port that was free a moment ago, with and without TLS.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let retry = RetryPolicy { retries: 1, ..options(&server).retry };
    for scheme in ["http", "https"] {
        let endpoint = Some(format!("{scheme}://127.0.0.1:{port}"));
        let error =
            scan_with(&machine(), &LiveOptions { endpoint, retry, ..options(&server) }, AuthMode::Auto);
        let message = error.unwrap_err().to_string();
        assert!(message.starts_with("nothing could be collected; `"), "{message}");
        assert!(message.ends_with("check the connection, then scan again"), "{message}");
    }
}
