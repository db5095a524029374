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
