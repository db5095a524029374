//! A proxy that does nothing but ask an upstream: what the way there costs, without anything else that the gate does.
//! `relay 127.0.0.1:8904 http://127.0.0.1:8901/v1`

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use castellan_base::OsSystem;
use castellan_gateway::upstream::{Call, Config, Metrics, Upstreams};
use http::{Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

type Body = BoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// Largest body of a request, in bytes.
const LARGEST: usize = 16 << 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(url)) = (arguments.next(), arguments.next()) else {
        return Err("name an address to listen on and a base URL to ask".into());
    };
    let config: Config = toml::from_str(&format!("models.\"*\".members = [{{ url = \"{url}\" }}]"))?;
    let upstreams = Upstreams::new(config, Arc::new(OsSystem), &Metrics::default())?;
    let listener = TcpListener::bind(address.parse::<SocketAddr>()?).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let upstreams = upstreams.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| relay(upstreams.clone(), request));
            // A connection that breaks is the client's affair.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn relay(upstreams: Upstreams, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LARGEST).collect().await else {
        return Ok(refuse(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"));
    };
    let call = Call {
        alias: "stub".to_owned(),
        path: parts.uri.to_string(),
        method: parts.method,
        headers: parts.headers,
        body: body.to_bytes(),
        deadline: None,
    };
    match upstreams.send(call).await {
        Ok(answer) => {
            let mut response = Response::new(answer.body.map_err(Into::into).boxed());
            *response.status_mut() = answer.status;
            *response.headers_mut() = answer.headers;
            Ok(response)
        }
        Err(error) => Ok(refuse(error.status(), &error.to_string())),
    }
}

fn refuse(status: StatusCode, message: &str) -> Response<Body> {
    let body = Full::new(Bytes::copy_from_slice(message.as_bytes())).map_err(|never| match never {});
    let mut response = Response::new(body.boxed());
    *response.status_mut() = status;
    response
}
