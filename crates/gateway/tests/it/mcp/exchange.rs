//! Tokens of users, exchanged for tokens of servers: RFC 8693, and Entra's on-behalf-of flow.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use castellan_base::{OsSystem, System as _};
use serde_json::{Value, json};

use super::super::gate::Running;
use super::server::{MODERN, Reply, Server, modern, tool};
use super::{at, gate, said, send};

const ISSUER: &str = "https://login.example";
const AUDIENCE: &str = "https://gate.example/mcp";

/// An issuer that signs.
struct Issuer(Ed25519KeyPair);

impl Issuer {
    fn new() -> Issuer {
        Issuer(Ed25519KeyPair::generate().unwrap())
    }

    /// Where its keys are.
    async fn keys(&self) -> Server {
        let key = URL_SAFE_NO_PAD.encode(self.0.public_key().as_ref());
        let keys = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": key}]}).to_string();
        Server::start(move |_| (200, "application/json", keys.clone())).await
    }

    /// A token of a user, with other claims.
    fn token(&self, user: &str, claims: Value) -> String {
        let now = i64::try_from(OsSystem.now().unix_nanos() / 1_000_000_000).unwrap();
        let mut all = json!({"iss": ISSUER, "aud": AUDIENCE, "sub": user, "client_id": "desk", "scope": "gate.call gate.list gate.use",
            "iat": now, "exp": now + 600, "jti": user});
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        let head = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "k"}).to_string();
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(all.to_string()));
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(self.0.sign(signed.as_bytes())))
    }
}

/// What a form says, each field once.
fn form(body: &Value) -> std::collections::BTreeMap<String, String> {
    let decoded = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            match byte {
                b'%' => {
                    let digits = [rest.next().unwrap(), rest.next().unwrap()];
                    bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
                }
                b'+' => bytes.push(b' '),
                other => bytes.push(other),
            }
        }
        String::from_utf8(bytes).unwrap()
    };
    let mut fields = std::collections::BTreeMap::new();
    for pair in body.as_str().unwrap().split('&') {
        let (name, value) = pair.split_once('=').unwrap();
        assert!(fields.insert(decoded(name), decoded(value)).is_none(), "{name} stands twice");
    }
    fields
}

/// A gate whose server of tools gets its tokens from an endpoint, both played.
struct Scene {
    gate: Running,
    endpoint: Server,
    server: Server,
    issuer: Issuer,
    _keys: Server,
    _folder: tempfile::TempDir,
}

async fn scene(settings: &str, answer: impl Fn(&Value) -> Reply + Send + Sync + 'static) -> Scene {
    let issuer = Issuer::new();
    let keys = issuer.keys().await;
    let endpoint = Server::start(answer).await;
    let server =
        Server::start(|request| modern(request, &[tool("echo", "Says it.")], |_, _| "did it".to_owned()))
            .await;
    let servers = format!(
        "{}[gate.mcp.servers.token]\ntoken_endpoint = \"http://127.0.0.1:{}/token\"\n{settings}\n",
        at("one", &server),
        endpoint.address.port()
    );
    let more = format!(
        "---\n[[gate.issuer]]\nname = \"house\"\nkind = \"oidc\"\nissuer = \"{ISSUER}\"\naudiences = [\"{AUDIENCE}\"]\nalgorithms = [\"EdDSA\"]\njwks_url = \"http://127.0.0.1:{}/keys\"\nallow_loopback_http = true\n",
        keys.address.port()
    );
    let (gate, folder) = gate(&servers, &more).await;
    Scene { gate, endpoint, server, issuer, _keys: keys, _folder: folder }
}

impl Scene {
    async fn call(&self, token: &str) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "echo", "arguments": {"text": "x"},
            "_meta": {"io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {}}}});
        let bearer = format!("Bearer {token}");
        let headers = [
            ("mcp-protocol-version", MODERN),
            ("mcp-method", "tools/call"),
            ("mcp-name", "echo"),
            ("authorization", &bearer),
        ];
        send(&self.gate, "/mcp/one", &headers, &body).await.json()
    }

    /// What servers were shown.
    fn shown(&self) -> Vec<String> {
        let all = self.server.came();
        let shown = |came: &super::server::Came| {
            came.headers
                .get("authorization")
                .map_or(String::new(), |value| value.to_str().unwrap().to_owned())
        };
        all.iter().map(shown).collect()
    }

    /// The token of a client stands nowhere but at the token endpoint.
    fn assert_kept(&self, token: &str) {
        assert!(
            self.shown().iter().all(|shown| !shown.contains(token)),
            "the client's own token was passed on"
        );
        assert!(
            !format!("{:?} {} {:?}", self.server.came(), self.gate.rows.text(), self.gate.gate.mcp())
                .contains(token)
        );
    }
}

fn given(token: &str) -> Reply {
    let answer = json!({"access_token": token, "token_type": "Bearer", "expires_in": 3600,
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"});
    (200, "application/json", answer.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_exchanged_as_rfc_8693_has_it() {
    let settings = "grant = \"token-exchange\"\nclient_id = \"the gate\"\nresource = \"https://mcp.example/mcp\"\naudience = \"mcp\"\nscopes = [\"read\", \"write\"]\nclient_secret = \"file:SECRET\"";
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "s3cret+/=").unwrap();
    let settings = settings.replace("SECRET", &secret.display().to_string());
    // One token for each token that is exchanged.
    let scene = scene(&settings, |body| given(&format!("for-{}", form(body)["subject_token"].len()))).await;
    let ann = scene.issuer.token("ann", json!({}));
    assert_eq!(said(&scene.call(&ann).await), "did it");
    assert_eq!(said(&scene.call(&ann).await), "did it");
    let came = scene.endpoint.came();
    assert_eq!(came.len(), 1, "a token is used again");
    assert_eq!(came[0].headers["content-type"], "application/x-www-form-urlencoded");
    let basic = STANDARD.encode("the%20gate:s3cret%2B%2F%3D");
    assert_eq!(came[0].headers["authorization"], format!("Basic {basic}"), "RFC 6749, 2.3.1");
    let fields = form(&came[0].body);
    let kind = "urn:ietf:params:oauth:token-type:access_token";
    let expected = [
        ("audience", "mcp"),
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("requested_token_type", kind),
        ("resource", "https://mcp.example/mcp"),
        ("scope", "read write"),
        ("subject_token", &ann),
        ("subject_token_type", kind),
    ];
    assert!(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(expected), "{fields:?}");
    // Another user, and another token of the same one, get their own.
    let bertram = scene.issuer.token("bertram-the-second", json!({}));
    assert_eq!(said(&scene.call(&bertram).await), "did it");
    assert_eq!(said(&scene.call(&scene.issuer.token("ann", json!({"jti": "other"}))).await), "did it");
    assert_eq!(scene.endpoint.came().len(), 3);
    assert!(scene.shown().contains(&format!("Bearer for-{}", ann.len())));
    assert!(scene.shown().contains(&format!("Bearer for-{}", bertram.len())));
    scene.assert_kept(&ann);
    scene.assert_kept(&bertram);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_behalf_of_is_as_entra_has_it() {
    let settings = "grant = \"on-behalf-of\"\nclient_id = \"11111111-2222-3333-4444-555555555555\"\nscopes = [\"api://files/.default\"]\nclient_assertion = \"file:ASSERTION\"";
    let folder = tempfile::tempdir().unwrap();
    let assertion = folder.path().join("assertion");
    std::fs::write(&assertion, "an.assertion.signed\n").unwrap();
    let scene =
        scene(&settings.replace("ASSERTION", &assertion.display().to_string()), |_| given("of-entra")).await;
    let ann = scene.issuer.token("ann", json!({}));
    assert_eq!(said(&scene.call(&ann).await), "did it");
    let came = scene.endpoint.came();
    assert!(came[0].headers.get("authorization").is_none());
    let fields = form(&came[0].body);
    let expected = [
        ("assertion", ann.as_str()),
        ("client_assertion", "an.assertion.signed"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_id", "11111111-2222-3333-4444-555555555555"),
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("requested_token_use", "on_behalf_of"),
        ("scope", "api://files/.default"),
    ];
    assert!(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(expected), "{fields:?}");
    assert!(scene.shown().iter().all(|shown| shown == "Bearer of-entra"), "{:?}", scene.shown());
    scene.assert_kept(&ann);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_good_token_is_exchanged() {
    let scene = scene("grant = \"token-exchange\"\nclient_id = \"gate\"", |_| given("never")).await;
    let other = Issuer::new();
    let now = i64::try_from(OsSystem.now().unix_nanos() / 1_000_000_000).unwrap();
    for token in [
        scene.issuer.token("ann", json!({"aud": "https://other.example"})),
        scene.issuer.token("ann", json!({"iat": now - 7200, "exp": now - 3600})),
        scene.issuer.token("ann", json!({"iss": "https://evil.example"})),
        scene.issuer.token("ann", json!({"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}})),
        other.token("ann", json!({})),
    ] {
        let answer = scene.call(&token).await;
        assert!(answer["error"].is_object(), "{answer}");
        assert!(scene.endpoint.came().is_empty() && scene.server.came().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_token_endpoint_refuses_or_gives_back_reaches_no_server() {
    let settings = "grant = \"token-exchange\"\nclient_id = \"gate\"";
    let refused = |status: u16, error: &str| {
        let body =
            json!({"error": error, "error_description": "AADSTS50013 s3cret-detail", "error_codes": [50013]})
                .to_string();
        move |_: &Value| (status, "application/json", body.clone())
    };
    let mut scenes = Vec::new();
    for (status, error) in [
        (400, "invalid_grant"),
        (401, "invalid_client"),
        (400, "invalid_target"),
        (429, "slow_down"),
        (500, "oops"),
    ] {
        scenes.push((scene(settings, refused(status, error)).await, error));
    }
    scenes.push((scene(settings, |body| given(&form(body)["subject_token"])).await, "client's own token"));
    scenes.push((scene(settings, |_| (200, "text/html", "<html>s3cret-detail".to_owned())).await, "no JSON"));
    let bound = json!({"access_token": "t", "token_type": "DPoP", "expires_in": 60}).to_string();
    scenes.push((scene(settings, move |_| (200, "application/json", bound.clone())).await, "not Bearer"));
    for (scene, _why) in scenes {
        let ann = scene.issuer.token("ann", json!({}));
        let answer = scene.call(&ann).await;
        assert!(answer["error"].is_object(), "{answer}");
        assert!(scene.server.came().is_empty(), "a server was asked without a token");
        assert!(!answer.to_string().contains("s3cret-detail"), "{answer}");
        assert!(!scene.gate.rows.text().contains("s3cret-detail"));
        scene.assert_kept(&ann);
    }
}
