//! `castellan scan azure:...` against a Resource Manager of our own.

use castellan_testkit::fake_arm::estate::{SUBSCRIPTION, harbour};
use castellan_testkit::fake_arm::{FakeArm, Fault, TOKEN};

use crate::Desk;

fn desk(server: &FakeArm) -> Desk {
    Desk::new().with_env("CASTELLAN_ARM_ENDPOINT", &server.endpoint())
}

#[test]
fn a_subscription_is_scanned_through_throttling() {
    let server = FakeArm::start(harbour());
    server.inject("providers/Microsoft.ResourceGraph/resources", Fault::throttle("0", 2));
    let desk = desk(&server).with_env("AZURE_ACCESS_TOKEN", TOKEN);
    let ran = desk.run(&["scan", &format!("azure:{SUBSCRIPTION}"), "-q"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let report = ran.json();
    assert_eq!(report["inputs"][0]["kind"], "live subscription");
    assert!(report["inventory"]["resources"].as_u64().unwrap() >= 20, "{:#}", report["inventory"]);
    assert!(!report["findings"].as_array().unwrap().is_empty());
    assert!(!ran.out.contains(TOKEN) && !ran.err.contains(TOKEN));
}

#[test]
fn what_could_not_be_listed_is_unknown_and_not_fine() {
    let server = FakeArm::start(harbour());
    server.inject("diagnosticSettings", Fault::always(403));
    let desk = desk(&server).with_env("AZURE_ACCESS_TOKEN", TOKEN);
    let ran = desk.run(&["scan", &format!("azure:{SUBSCRIPTION}"), "-q"]);
    let report = ran.json();
    let unknown = report["findings"].as_array().unwrap().iter().filter(|finding| {
        finding["verdict"] == "unknown" && finding["unknown"].to_string().contains("diagnosticSettings")
    });
    assert!(unknown.count() > 0, "{}", ran.err);
}

#[test]
fn without_a_token_the_message_says_what_to_do() {
    let server = FakeArm::start(harbour());
    let ran = desk(&server).run(&["scan", &format!("azure:{SUBSCRIPTION}"), "--auth", "env"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("AZURE_ACCESS_TOKEN"), "{}", ran.err);
    let wrong = Desk::new().run(&["scan", "azure:not-a-guid", "--auth", "env"]);
    assert_eq!(wrong.code, 2, "{wrong:#?}");
}

#[test]
fn a_fresh_machine_is_told_about_the_azure_cli() {
    // Neither a variable nor `az`: the environment is empty, the search path included.
    let server = FakeArm::start(harbour());
    let ran = desk(&server).with_env("PATH", "").run(&["scan", &format!("azure:{SUBSCRIPTION}")]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    for words in ["az login", "AZURE_ACCESS_TOKEN", "--auth"] {
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
    assert!(server.recording().matching("").is_empty(), "nothing is asked without a token");
}

#[test]
fn a_refused_token_ends_the_scan_and_is_not_repeated() {
    let server = FakeArm::start(harbour());
    server.set_token("another-token");
    let desk = desk(&server).with_env("AZURE_ACCESS_TOKEN", TOKEN);
    let ran = desk.run(&["scan", &format!("azure:{SUBSCRIPTION}")]);
    assert_eq!(ran.code, 2, "an empty report would look fine: {ran:#?}");
    assert!(ran.err.contains("401") || ran.err.contains("token"), "{}", ran.err);
    assert!(!ran.err.contains(TOKEN), "{}", ran.err);
}

#[test]
fn a_subscription_that_may_not_be_read_is_an_error() {
    let server = FakeArm::start(harbour());
    server.inject("", Fault::always(403));
    let desk = desk(&server).with_env("AZURE_ACCESS_TOKEN", TOKEN);
    let ran = desk.run(&["scan", &format!("azure:{SUBSCRIPTION}"), "--fail-on", "low"]);
    assert_eq!(ran.code, 2, "{ran:#?}");
    assert!(ran.err.contains("403") && ran.err.contains("Reader"), "{}", ran.err);
}

#[test]
fn files_and_a_subscription_are_one_estate() {
    let server = FakeArm::start(harbour());
    let desk = desk(&server).with_env("AZURE_ACCESS_TOKEN", TOKEN);
    desk.file("main.json", crate::OPEN_ACCOUNT);
    let report = desk.run(&["scan", "main.json", &format!("azure:{SUBSCRIPTION}"), "-q"]).json();
    let kinds: Vec<&str> =
        report["inputs"].as_array().unwrap().iter().map(|input| input["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"live subscription") && kinds.contains(&"ARM template"), "{kinds:?}");
}
