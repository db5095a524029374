//! Where tokens come from and where they may go.

use super::*;

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
    for mode in [AuthMode::Auto, AuthMode::Workload] {
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
        (AuthMode::Workload, "AZURE_CLIENT_SECRET"),
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
    let revoked = AtomicBool::new(false);
    let progress = Steps(|done, _, _: &str| {
        if done == 10 && !revoked.swap(true, Ordering::SeqCst) {
            server.set_token("fake-arm-token-2");
        }
    });
    let outcome = collect_blocking(&system, &options(&server), &credential, &progress);
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
