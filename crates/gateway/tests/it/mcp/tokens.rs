//! Who comes in, and with what servers are asked.

use castellan_access::Pattern;
use castellan_access::key::{Issue, KeyStore, Pepper, Scopes};
use castellan_base::{OsSystem, System as _};
use serde_json::json;

use super::server::{MODERN, Server, modern, tool};
use super::{at, echo, gate, send};

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_key_is_told_where_to_get_a_token() {
    let server = echo().await;
    let folder = tempfile::tempdir().unwrap();
    let (keys, pepper) = (folder.path().join("keys.json"), folder.path().join("pepper"));
    std::fs::write(&pepper, "07".repeat(32)).unwrap();
    let store = KeyStore::open(&keys, Pepper::new([7; 32])).unwrap();
    let scopes = Scopes { tools: vec![Pattern::new("one/echo")], ..Scopes::default() };
    let issue = Issue {
        owner: "ann".to_owned(),
        name: "desk".to_owned(),
        by: "ben".to_owned(),
        scopes,
        ..Issue::default()
    };
    let issued = store.issue(issue, OsSystem.now()).unwrap();
    let more = format!(
        "keys = \"{}\"\npepper = \"file:{}\"\n---\n[[gate.issuer]]\nname = \"house\"\nkind = \"oidc\"\nissuer = \"https://login.example\"\naudiences = [\"https://gate.example/mcp\"]\n",
        keys.display(),
        pepper.display()
    );
    let servers = format!("scopes = [\"gate.use\"]\n{}", at("one", &server));
    let (gate, _folder) = gate(&servers, &more).await;
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta":
        {"io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {}}}});
    let headers = [("mcp-protocol-version", MODERN), ("mcp-method", "tools/list")];
    let got = send(&gate, "/mcp", &headers, &body).await;
    let challenge = got.headers["www-authenticate"].to_str().unwrap().to_owned();
    let metadata = format!("http://{}/.well-known/oauth-protected-resource/mcp", gate.address);
    assert_eq!(got.status, 401);
    assert!(challenge.contains(&format!("resource_metadata=\"{metadata}\"")), "{challenge}");
    assert!(challenge.contains("scope=\"gate.use\"") && got.json()["error"].is_object(), "{challenge}");
    let described = gate.send("GET", "/.well-known/oauth-protected-resource/mcp", &[], "").await.json();
    assert_eq!(described["resource"], format!("http://{}/mcp", gate.address));
    assert_eq!(described["authorization_servers"], json!(["https://login.example"]));
    let wrong =
        send(&gate, "/mcp", &[&headers[..], &[("authorization", "Bearer x.y.z")]].concat(), &body).await;
    let challenge = wrong.headers["www-authenticate"].to_str().unwrap().to_owned();
    assert!(wrong.status == 401 && challenge.contains("invalid_token"), "{challenge}");
    assert!(server.came().is_empty());
    // A key sees what is in its scope.
    let bearer = format!("Bearer {}", issued.key.reveal());
    let listed = send(&gate, "/mcp", &[&headers[..], &[("authorization", &bearer)]].concat(), &body).await;
    let listed = listed.json();
    assert_eq!(listed["result"]["tools"].as_array().map(Vec::len), Some(1), "{listed}");
    let passed = server.came().iter().any(|came| came.headers.contains_key("authorization"));
    assert!(!passed, "a client's own credential is never passed on");
    assert!(!gate.rows.text().contains(issued.key.reveal()));
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_get_tokens_of_the_gates_own() {
    let issuer = Server::start(|_| {
        let answer = json!({"access_token": "from-the-endpoint", "token_type": "Bearer", "expires_in": 3600});
        (200, "application/json", answer.to_string())
    })
    .await;
    let server =
        Server::start(|request| modern(request, &[tool("echo", "Says it.")], |_, _| "did it".to_owned()))
            .await;
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "the-secret-of-the-gate\n").unwrap();
    let servers = format!(
        "{}[gate.mcp.servers.token]\ngrant = \"client-credentials\"\ntoken_endpoint = \"http://127.0.0.1:{}/token\"\nclient_id = \"gate\"\nscopes = [\"api://x/.default\"]\nclient_secret = \"file:{}\"\n{}",
        at("one", &server),
        issuer.address.port(),
        secret.display(),
        at("two", &server).replace("at = ", &format!("credential = \"file:{}\"\nat = ", secret.display()))
    );
    let (gate, _folder) = gate(&servers, "").await;
    for _ in 0..2 {
        assert_eq!(super::said(&super::call(&gate, "/mcp/one", "echo", "x").await), "did it");
    }
    assert_eq!(issuer.came().len(), 1, "a token is used again");
    let form = issuer.came()[0].body.as_str().unwrap().to_owned();
    assert!(form.contains("grant_type=client_credentials") && form.contains("client_secret="), "{form}");
    let all: Vec<_> = server.came();
    assert!(all.iter().all(|came| came.headers["authorization"] == "Bearer from-the-endpoint"));
    assert_eq!(super::said(&super::call(&gate, "/mcp/two", "echo", "x").await), "did it");
    let last = server.came().pop().unwrap();
    assert_eq!(last.headers["authorization"], "Bearer the-secret-of-the-gate");
    let told = format!("{} {:?}", gate.rows.text(), gate.gate.mcp());
    assert!(!told.contains("from-the-endpoint") && !told.contains("the-secret-of-the-gate"));
}
