//! The sources of access tokens and how each is asked.

use std::path::PathBuf;

use castellan_base::{System, Ticks};
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value;

use super::credential::{AccessToken, AuthError, AuthMode};
use super::retry::{Backoff, RetryPolicy};
use super::secret::Secret;
use super::transport::{self, ExchangeError, Request, Transport};

/// Variables that hold a token, in the order in which they are looked at.
const TOKEN_VARIABLES: [&str; 2] = ["CASTELLAN_AZURE_TOKEN", "AZURE_ACCESS_TOKEN"];

/// The largest federated token file that is read.
const TOKEN_FILE_BYTES: u64 = 64 * 1024;

/// One configured source.
pub(super) enum Source {
    Given {
        variable: &'static str,
        secret: Secret,
    },
    Client {
        application: Application,
        proof: Proof,
    },
    /// An identity endpoint that wants the header of the platform: App Service, Functions, Container Apps.
    Platform {
        endpoint: Url,
        header: Secret,
        client: Option<String>,
    },
    /// The instance metadata service.
    Machine {
        endpoint: Url,
        client: Option<String>,
    },
    Cli,
}

/// The application at the token endpoint of its tenant.
pub(super) struct Application {
    endpoint: Url,
    client: String,
}

/// What proves that the caller is the application.
pub(super) enum Proof {
    /// The token of another issuer, in a file that is renewed from outside.
    File(PathBuf),
    Secret(Secret),
}

impl Source {
    fn name(&self) -> &'static str {
        match self {
            Source::Given { variable, .. } => variable,
            Source::Client { proof: Proof::File(_), .. } => "the workload identity",
            Source::Client { proof: Proof::Secret(_), .. } => "the service principal",
            Source::Platform { .. } | Source::Machine { .. } => "the managed identity",
            Source::Cli => "the Azure CLI",
        }
    }

    /// The source that `mode` and the environment lead to.
    pub(super) fn choose(system: &dyn System, mode: AuthMode) -> Result<Source, AuthError> {
        match mode {
            AuthMode::Environment => from_environment(system).ok_or_else(|| {
                missing("the environment", "set AZURE_ACCESS_TOKEN to a token for Azure Resource Manager")
            }),
            AuthMode::Workload => {
                let configured = [workload(system)?, service_principal(system)?];
                configured.into_iter().flatten().next().ok_or_else(|| {
                    let next_step = "set AZURE_CLIENT_ID and AZURE_TENANT_ID, and AZURE_FEDERATED_TOKEN_FILE or \
                                     AZURE_CLIENT_SECRET";
                    missing("the workload identity", next_step)
                })
            }
            AuthMode::Managed => match platform(system)? {
                Some(source) => Ok(source),
                None => machine(system),
            },
            AuthMode::Cli => Ok(Source::Cli),
            AuthMode::Auto => automatic(system),
        }
    }
}

fn automatic(system: &dyn System) -> Result<Source, AuthError> {
    if let Some(source) = from_environment(system) {
        return Ok(source);
    }
    let configured = [workload(system)?, service_principal(system)?, platform(system)?];
    Ok(configured.into_iter().flatten().next().unwrap_or(Source::Cli))
}

fn missing(source_name: &'static str, next_step: &str) -> AuthError {
    AuthError { source_name, message: "it is not configured".to_owned(), next_step: next_step.to_owned() }
}

fn from_environment(system: &dyn System) -> Option<Source> {
    TOKEN_VARIABLES.into_iter().find_map(|variable| {
        let secret = Secret::new(&system.env(variable)?);
        Some(Source::Given { variable, secret })
    })
}

fn workload(system: &dyn System) -> Result<Option<Source>, AuthError> {
    let Some(file) = system.env("AZURE_FEDERATED_TOKEN_FILE") else { return Ok(None) };
    let application = application(system, "the workload identity")?;
    Ok(application.map(|application| Source::Client { application, proof: Proof::File(file.into()) }))
}

fn service_principal(system: &dyn System) -> Result<Option<Source>, AuthError> {
    let Some(secret) = system.env("AZURE_CLIENT_SECRET") else { return Ok(None) };
    let application = application(system, "the service principal")?;
    let proof = Proof::Secret(Secret::new(&secret));
    Ok(application.map(|application| Source::Client { application, proof }))
}

/// The application that the environment names, if it names one.
fn application(system: &dyn System, source_name: &'static str) -> Result<Option<Application>, AuthError> {
    let (Some(client), Some(tenant)) = (system.env("AZURE_CLIENT_ID"), system.env("AZURE_TENANT_ID")) else {
        return Ok(None);
    };
    let variable = "AZURE_AUTHORITY_HOST";
    let authority = system.env(variable).unwrap_or_else(|| "https://login.microsoftonline.com".to_owned());
    let mut endpoint = endpoint(source_name, variable, &authority, transport::is_safe)?;
    let is_tenant = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    if !tenant.bytes().all(is_tenant) {
        let message = format!("`{tenant}` in AZURE_TENANT_ID is not a tenant");
        let next_step = "set it to the tenant's id or one of its domains".to_owned();
        return Err(AuthError { source_name, message, next_step });
    }
    endpoint.set_path(&format!("/{tenant}/oauth2/v2.0/token"));
    Ok(Some(Application { endpoint, client }))
}

fn platform(system: &dyn System) -> Result<Option<Source>, AuthError> {
    let variable = "IDENTITY_ENDPOINT";
    let (Some(endpoint_text), Some(header)) = (system.env(variable), system.env("IDENTITY_HEADER")) else {
        return Ok(None);
    };
    let is_trusted = |url: &Url| transport::is_safe(url) || transport::is_link_local(url);
    let endpoint = endpoint("the managed identity", variable, &endpoint_text, is_trusted)?;
    let header = Secret::new(&header);
    Ok(Some(Source::Platform { endpoint, header, client: system.env("AZURE_CLIENT_ID") }))
}

fn machine(system: &dyn System) -> Result<Source, AuthError> {
    let variable = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
    let host = system.env(variable).unwrap_or_else(|| "http://169.254.169.254".to_owned());
    let is_trusted = |url: &Url| transport::is_safe(url) || transport::is_link_local(url);
    let mut endpoint = endpoint("the managed identity", variable, &host, is_trusted)?;
    endpoint.set_path("/metadata/identity/oauth2/token");
    Ok(Source::Machine { endpoint, client: system.env("AZURE_CLIENT_ID") })
}

/// The address in an environment variable, if secrets may be sent there.
fn endpoint(
    source_name: &'static str,
    variable: &str,
    text: &str,
    is_trusted: impl Fn(&Url) -> bool,
) -> Result<Url, AuthError> {
    let url = Url::parse(text).ok().filter(is_trusted);
    url.ok_or_else(|| AuthError {
        source_name,
        message: format!("`{text}` in {variable} is not an address that a secret may be sent to"),
        next_step: "use https, or a loopback address".to_owned(),
    })
}

/// Asks the source for a token.
pub(super) async fn fetch(
    source: &Source,
    system: &dyn System,
    transport: &Transport,
    audience: &str,
) -> Result<AccessToken, AuthError> {
    let fetcher = Fetcher { source_name: source.name(), system, transport };
    match source {
        Source::Given { secret, .. } => Ok(AccessToken { secret: secret.clone(), expires: None }),
        Source::Client { application, proof } => fetcher.client(application, proof, audience).await,
        Source::Platform { endpoint, header, client } => {
            let url = identity_url(endpoint, "2019-08-01", audience, client.as_deref());
            let secrets = vec![(HeaderName::from_static("x-identity-header"), header.clone())];
            fetcher.ask(&url, Method::GET, None, secrets, Vec::new()).await
        }
        Source::Machine { endpoint, client } => {
            let url = identity_url(endpoint, "2018-02-01", audience, client.as_deref());
            let headers = vec![(HeaderName::from_static("metadata"), HeaderValue::from_static("true"))];
            fetcher.ask(&url, Method::GET, None, Vec::new(), headers).await
        }
        Source::Cli => fetcher.cli(audience),
    }
}

fn identity_url(endpoint: &Url, api_version: &str, audience: &str, client: Option<&str>) -> Url {
    let mut url = endpoint.clone();
    url.query_pairs_mut().append_pair("api-version", api_version).append_pair("resource", audience);
    if let Some(client) = client {
        url.query_pairs_mut().append_pair("client_id", client);
    }
    url
}

struct Fetcher<'f> {
    source_name: &'static str,
    system: &'f dyn System,
    transport: &'f Transport,
}

impl Fetcher<'_> {
    fn error(&self, message: impl Into<String>, next_step: &str) -> AuthError {
        AuthError { source_name: self.source_name, message: message.into(), next_step: next_step.to_owned() }
    }

    /// The client credentials grant (RFC 6749, section 4.4), with a secret or an assertion (RFC 7523).
    async fn client(
        &self,
        application: &Application,
        proof: &Proof,
        audience: &str,
    ) -> Result<AccessToken, AuthError> {
        let scope = format!("{audience}/.default");
        // A throw-away address serves as the encoder of the form.
        let mut form = application.endpoint.clone();
        form.query_pairs_mut()
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &application.client)
            .append_pair("scope", &scope);
        match proof {
            Proof::Secret(secret) => {
                form.query_pairs_mut().append_pair("client_secret", secret.reveal());
            }
            Proof::File(path) => {
                let assertion = self.assertion(path)?;
                form.query_pairs_mut()
                    .append_pair(
                        "client_assertion_type",
                        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                    )
                    .append_pair("client_assertion", assertion.reveal());
            }
        }
        let body = form.query().unwrap_or_default();
        self.ask(&application.endpoint, Method::POST, Some(body), Vec::new(), Vec::new()).await
    }

    fn assertion(&self, path: &std::path::Path) -> Result<Secret, AuthError> {
        let unreadable = |message: String| {
            let message = format!("`{}` cannot be read: {message}", path.display());
            self.error(message, "check the path in AZURE_FEDERATED_TOKEN_FILE")
        };
        let bytes =
            self.system.read(path, TOKEN_FILE_BYTES).map_err(|error| unreadable(error.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|_| unreadable("it is not text".to_owned()))?;
        Ok(Secret::new(&text))
    }

    async fn ask(
        &self,
        url: &Url,
        method: Method,
        form: Option<&str>,
        secrets: Vec<(HeaderName, Secret)>,
        headers: Vec<(HeaderName, HeaderValue)>,
    ) -> Result<AccessToken, AuthError> {
        let mut backoff = Backoff::new(RetryPolicy { retries: 4, ..RetryPolicy::default() });
        loop {
            let request = Request {
                method: method.clone(),
                url,
                body: form.map(|form| ("application/x-www-form-urlencoded", form)),
                secrets: secrets.clone(),
                headers: headers.clone(),
            };
            let (error, asked) = match self.transport.exchange(request, self.system.now()).await {
                Ok(answer) if answer.status == 200 => return self.read_answer(&answer.body),
                Ok(answer) => {
                    let error = self.refusal(answer.status, &answer.body);
                    if !matches!(answer.status, 408 | 410 | 429 | 500..=599) {
                        return Err(error);
                    }
                    (error, answer.retry_after)
                }
                Err(ExchangeError::Broken(message)) => {
                    let host = url.host_str().unwrap_or_default();
                    let next_step = format!("check that `{host}` can be reached from here");
                    (self.error(message, &next_step), None)
                }
                Err(other) => return Err(self.error(other.to_string(), "check what answers there")),
            };
            let Some(wait) = backoff.next_wait(asked) else { return Err(error) };
            tokio::time::sleep(wait).await;
        }
    }

    fn refusal(&self, status: u16, body: &[u8]) -> AuthError {
        let answer: Value = serde_json::from_slice(body).unwrap_or_default();
        let described = answer.get("error_description").or_else(|| answer.get("error"));
        // The first line names the cause (AADSTS...); those after it are trace ids.
        let first_line = described.and_then(Value::as_str).and_then(|text| text.lines().next());
        let message = match first_line {
            Some(line) => format!("status {status}, {}", super::failure::plain(line)),
            None => format!("status {status}"),
        };
        self.error(message, "check the identity's id, tenant and credentials")
    }

    fn read_answer(&self, body: &[u8]) -> Result<AccessToken, AuthError> {
        let wrong = || self.error("the answer holds no `access_token`", "check what answers there");
        let answer: Value = serde_json::from_slice(body).map_err(|_| wrong())?;
        let token = answer.get("access_token").and_then(Value::as_str).ok_or_else(wrong)?;
        let expires = match (seconds(answer.get("expires_on")), seconds(answer.get("expires_in"))) {
            (Some(on), _) => Ticks::from_unix_nanos(i128::from(on) * 1_000_000_000),
            (None, Some(within)) => self.system.now().checked_add(within.saturating_mul(Ticks::PER_SECOND)),
            (None, None) => None,
        };
        Ok(AccessToken { secret: Secret::new(token), expires })
    }

    fn cli(&self, audience: &str) -> Result<AccessToken, AuthError> {
        let program = if cfg!(windows) { "az.cmd" } else { "az" };
        let arguments = ["account", "get-access-token", "--resource", audience, "-o", "json"];
        let output = self.system.run(program, &arguments).map_err(|error| {
            let next_step = "install it and run `az login`, or set AZURE_ACCESS_TOKEN, or choose another \
                             source with --auth";
            self.error(format!("`{program}` cannot be run: {error}"), next_step)
        })?;
        if output.code != Some(0) {
            let stderr = String::from_utf8_lossy(&output.stderr);
            let line = stderr.lines().find(|line| !line.trim().is_empty()).unwrap_or("it failed");
            return Err(self.error(super::failure::plain(line), "run `az login`"));
        }
        let wrong = || self.error("its answer is not what was expected", "update it with `az upgrade`");
        let answer: Value = serde_json::from_slice(&output.stdout).map_err(|_| wrong())?;
        let token = answer.get("accessToken").and_then(Value::as_str).ok_or_else(wrong)?;
        // `expiresOn` is local time without an offset; only `expires_on` can be relied on.
        let expires = seconds(answer.get("expires_on"))
            .and_then(|on| Ticks::from_unix_nanos(i128::from(on) * 1_000_000_000));
        Ok(AccessToken { secret: Secret::new(token), expires })
    }
}

/// Seconds as a number or, as the identity endpoints write them, as text.
fn seconds(value: Option<&Value>) -> Option<i64> {
    match value? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}
