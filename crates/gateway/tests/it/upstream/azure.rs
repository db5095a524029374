//! Credentials from Azure's services, which are played here.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use castellan_base::{DirEntry, OsSystem, ProgramOutput, System, Ticks};
use castellan_gateway::stub::{Options, Stub};
use castellan_gateway::upstream::{Metrics, Upstreams};

use crate::support::{chat, ok, raw, stub, whole};

/// The real system with other variables.
#[derive(Default)]
struct Environment(HashMap<&'static str, String>);

impl System for Environment {
    fn now(&self) -> Ticks {
        OsSystem.now()
    }
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        OsSystem.read(path, limit)
    }
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        OsSystem.write(path, bytes)
    }
    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        OsSystem.read_dir(path)
    }
    fn is_dir(&self, path: &Path) -> bool {
        OsSystem.is_dir(path)
    }
    fn exists(&self, path: &Path) -> bool {
        OsSystem.exists(path)
    }
    fn env(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }
    fn run(&self, program: &str, arguments: &[&str]) -> io::Result<ProgramOutput> {
        OsSystem.run(program, arguments)
    }
}

/// A service that gives numbered tokens of a lifetime and secrets, and keeps what it was asked.
struct Azure {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Azure {
    async fn new(lifetime: &'static str) -> Azure {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (kept, count) = (Arc::clone(&asked), AtomicU64::new(0));
        let address = raw(move |request| {
            kept.lock().unwrap().push(request.to_owned());
            let number = count.fetch_add(1, Ordering::Relaxed) + 1;
            if request.contains("/secrets/") {
                return ok(r#"{"value":"from-the-vault","id":"x"}"#);
            }
            ok(&format!(r#"{{"access_token":"token-{number}",{lifetime},"token_type":"Bearer"}}"#))
        })
        .await;
        Azure { url: format!("http://{address}"), asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn upstreams(stub: &Stub, azure: &Azure, credential: &str, environment: Environment) -> Upstreams {
    let config = format!(
        "azure = {{ imds_url = \"{0}\", key_vault_url = \"{0}\" }}\n\
         models.m.members = [{{ form = \"azure-v1\", url = \"{1}\", credential = \"{credential}\" }}]",
        azure.url,
        stub.url()
    );
    Upstreams::new(toml::from_str(&config).unwrap(), Arc::new(environment), &Metrics::default()).unwrap()
}

async fn ask(upstreams: &Upstreams) {
    whole(upstreams.send(chat("hi")).await.unwrap()).await;
}

fn header(stub: &Stub, name: &str) -> String {
    stub.seen()
        .last()
        .unwrap()
        .headers
        .get(name)
        .map(|value| value.to_str().unwrap().to_owned())
        .unwrap_or_default()
}

async fn recording() -> Stub {
    stub(Options::default().recording(200)).await
}

#[tokio::test]
async fn the_metadata_service_is_asked_once_for_many() {
    let (stub, azure) = (recording().await, Azure::new(r#""expires_in":"3600""#).await);
    let upstreams = upstreams(&stub, &azure, "managed-identity", Environment::default());
    let many: Vec<_> = (0..50)
        .map(|_| {
            let upstreams = upstreams.clone();
            tokio::spawn(async move { ask(&upstreams).await })
        })
        .collect();
    for one in many {
        one.await.unwrap();
    }
    assert_eq!(header(&stub, "authorization"), "Bearer token-1");
    let asked = azure.asked();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].starts_with(
        "GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fcognitiveservices.azure.com HTTP/1.1"
    ), "{}", asked[0]);
    assert!(asked[0].to_ascii_lowercase().contains("metadata: true"));
}

#[tokio::test]
async fn a_token_is_fetched_anew_before_it_ends() {
    let (stub, azure) = (recording().await, Azure::new(r#""expires_in":2"#).await);
    let upstreams = upstreams(&stub, &azure, "managed-identity", Environment::default());
    ask(&upstreams).await;
    assert_eq!(header(&stub, "authorization"), "Bearer token-1");
    // Past two thirds of its life the old one still serves while the next is fetched.
    tokio::time::sleep(std::time::Duration::from_millis(1_450)).await;
    ask(&upstreams).await;
    assert_eq!(header(&stub, "authorization"), "Bearer token-1");
    crate::support::until(|| azure.asked().len() == 2).await;
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    ask(&upstreams).await;
    assert_eq!(header(&stub, "authorization"), "Bearer token-2");
}

#[tokio::test]
async fn app_service_gives_tokens() {
    let (stub, azure) = (recording().await, Azure::new(r#""expires_on":"4102444800""#).await);
    let environment = Environment(HashMap::from([
        ("IDENTITY_ENDPOINT", format!("{}/msi/token", azure.url)),
        ("IDENTITY_HEADER", "proof".to_owned()),
    ]));
    ask(&upstreams(&stub, &azure, "managed-identity:https://ai.azure.com", environment)).await;
    assert_eq!(header(&stub, "authorization"), "Bearer token-1");
    let asked = &azure.asked()[0];
    assert!(
        asked.starts_with("GET /msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fai.azure.com "),
        "{asked}"
    );
    assert!(asked.to_ascii_lowercase().contains("x-identity-header: proof"));
}

#[tokio::test]
async fn workload_identity_exchanges_the_service_accounts_token() {
    let (stub, azure) = (recording().await, Azure::new(r#""expires_in":3600"#).await);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "a.federated.token\n").unwrap();
    let environment = Environment(HashMap::from([
        ("AZURE_FEDERATED_TOKEN_FILE", file.display().to_string()),
        ("AZURE_TENANT_ID", "tenant".to_owned()),
        ("AZURE_CLIENT_ID", "client".to_owned()),
        ("AZURE_AUTHORITY_HOST", format!("{}/", azure.url)),
    ]));
    ask(&upstreams(&stub, &azure, "managed-identity", environment)).await;
    let asked = &azure.asked()[0];
    assert!(asked.starts_with("POST /tenant/oauth2/v2.0/token "), "{asked}");
    for part in [
        "client_id=client",
        "client_assertion=a.federated.token",
        "scope=https%3A%2F%2Fcognitiveservices.azure.com%2F.default",
    ] {
        assert!(asked.contains(part), "{part}: {asked}");
    }
}

#[tokio::test]
async fn a_key_vault_gives_secrets() {
    let (stub, azure) = (recording().await, Azure::new(r#""expires_in":3600"#).await);
    let reference = "keyvault:https://keys.vault.azure.net/secrets/model-key";
    let upstreams = upstreams(&stub, &azure, reference, Environment::default());
    ask(&upstreams).await;
    ask(&upstreams).await;
    assert_eq!(header(&stub, "api-key"), "from-the-vault");
    let asked = azure.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked[0].contains("resource=https%3A%2F%2Fvault.azure.net"), "{}", asked[0]);
    assert!(asked[1].starts_with("GET /secrets/model-key?api-version=7.4 "), "{}", asked[1]);
    assert!(asked[1].to_ascii_lowercase().contains("authorization: bearer token-1"));
}

#[tokio::test]
async fn an_identity_that_cannot_be_had_is_told_without_secrets() {
    let stub = recording().await;
    let address = raw(|_| "HTTP/1.1 400 Bad\r\ncontent-length: 6\r\n\r\nsecret".to_owned()).await;
    let azure = Azure { url: format!("http://{address}"), asked: Arc::default() };
    let upstreams = upstreams(&stub, &azure, "managed-identity", Environment::default());
    let error = upstreams.send(chat("hi")).await.unwrap_err();
    assert_eq!(error.kind(), "credential");
    assert!(error.to_string().contains("400") && !error.to_string().contains("secret"), "{error}");
    assert_eq!(stub.requests(), 0);
}

/// An identity that answers as `answer` says, by the number of the question, and what it was asked.
async fn identity(answer: impl Fn(usize) -> String + Send + Sync + 'static) -> Azure {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&asked);
    let address = raw(move |request| {
        let mut kept = kept.lock().unwrap();
        kept.push(request.to_owned());
        answer(kept.len())
    })
    .await;
    Azure { url: format!("http://{address}"), asked }
}

fn status(line: &str, more: &str, body: &str) -> String {
    format!("HTTP/1.1 {line}\r\n{more}content-length: {}\r\n\r\n{body}", body.len())
}

const TOKEN: &str = r#"{"access_token":"token","expires_in":"3600","token_type":"Bearer"}"#;

#[tokio::test]
async fn whoever_is_throttled_waits_as_long_as_it_is_told() {
    let stub = recording().await;
    let throttled = r#"{"error":"too_many_requests","error_description":"wait"}"#;
    let azure = identity(move |number| match number {
        1 => status("429 Too Many Requests", "retry-after: 1\r\n", throttled),
        _ => ok(TOKEN),
    })
    .await;
    let began = std::time::Instant::now();
    ask(&upstreams(&stub, &azure, "managed-identity", Environment::default())).await;
    assert!(began.elapsed() >= std::time::Duration::from_secs(1) && azure.asked().len() == 2);
    assert_eq!(header(&stub, "authorization"), "Bearer token");
    // Nobody waits for a minute, and nobody asks before it is over.
    let azure = identity(|_| status("429 Too Many Requests", "retry-after: 60\r\n", "{}")).await;
    let upstreams = upstreams(&stub, &azure, "managed-identity", Environment::default());
    let error = upstreams.send(chat("hi")).await.unwrap_err();
    // Once for each attempt of the request, and not four times for each.
    assert!(error.to_string().contains("429") && azure.asked().len() <= 3, "{error}");
}

#[tokio::test]
async fn a_vault_that_forbids_is_believed_and_its_words_are_not_told() {
    let stub = recording().await;
    let forbidden = r#"{"error":{"code":"Forbidden","message":"Caller is not authorized; appid=s3cret-app","innererror":{"code":"ForbiddenByRbac"}}}"#;
    let azure = identity(move |number| match number {
        1 => ok(TOKEN),
        _ => status("403 Forbidden", "content-type: application/json\r\n", forbidden),
    })
    .await;
    let reference = "keyvault:https://keys.vault.azure.net/secrets/model-key";
    let upstreams = upstreams(&stub, &azure, reference, Environment::default());
    let error = upstreams.send(chat("hi")).await.unwrap_err();
    assert_eq!((error.kind(), stub.requests()), ("credential", 0));
    assert!(azure.asked().len() <= 4, "once for each attempt of the request, and for the token");
    assert!(error.to_string().contains("403") && !error.to_string().contains("s3cret"), "{error}");
}

#[tokio::test]
async fn answers_that_are_none_are_no_credentials() {
    let stub = recording().await;
    for body in [
        "<html>s3cret</html>",
        r#"{"access_token":"","expires_in":3600}"#,
        r#"{"access_token":"s3cret"}"#,
        r#"{"access_token":"s3cret\r\nx: y","expires_in":3600}"#,
        r#"{"access_token":7,"expires_in":3600}"#,
        r#"{"token":"s3cret","expires_in":3600}"#,
    ] {
        let azure = identity(move |_| ok(body)).await;
        let upstreams = upstreams(&stub, &azure, "managed-identity", Environment::default());
        let error = upstreams.send(chat("hi")).await.unwrap_err();
        assert_eq!((error.kind(), stub.requests()), ("credential", 0), "{body}");
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}

#[tokio::test]
async fn many_wait_for_a_slow_identity_no_longer_than_one() {
    let stub = recording().await;
    let asked = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&asked);
    // It takes connections and says nothing.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let azure = Azure { url: format!("http://{}", listener.local_addr().unwrap()), asked: Arc::default() };
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            open.push(stream);
        }
    });
    let config = format!(
        "azure = {{ imds_url = \"{}\", ask_ms = 50 }}\n\
         models.m.members = [{{ form = \"azure-v1\", url = \"{}\", credential = \"managed-identity\" }}]",
        azure.url,
        stub.url()
    );
    let system = Arc::new(Environment::default());
    let upstreams = Upstreams::new(toml::from_str(&config).unwrap(), system, &Metrics::default()).unwrap();
    let many: Vec<_> = (0..20)
        .map(|_| {
            let upstreams = upstreams.clone();
            tokio::spawn(async move { upstreams.send(chat("hi")).await.map(drop).unwrap_err().to_string() })
        })
        .collect();
    for one in many {
        let error = one.await.unwrap();
        assert!(error.contains("did not answer within 50 ms"), "{error}");
    }
    assert!(asked.load(Ordering::Relaxed) <= 8, "one question and its repetitions, not twenty");
    assert_eq!(stub.requests(), 0);
}

#[tokio::test]
async fn a_file_is_read_again_when_it_changes() {
    let (stub, azure) = (recording().await, Azure::new(r#""expires_in":1"#).await);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, "one").unwrap();
    let upstreams = upstreams(&stub, &azure, &format!("file:{}", file.display()), Environment::default());
    ask(&upstreams).await;
    assert_eq!(header(&stub, "api-key"), "one");
    std::fs::write(&file, "two").unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(2_100)).await;
    ask(&upstreams).await;
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    ask(&upstreams).await;
    assert_eq!(header(&stub, "api-key"), "two");
}
