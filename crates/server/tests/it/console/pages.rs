//! The pages: their headers, and that they run nothing but their own scripts.

use super::site::{Site, Who};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
    font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The files of the pages, as paths.
fn pages() -> Vec<(String, Vec<u8>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/console/dist");
    let mut found = Vec::new();
    let mut open = vec![std::path::PathBuf::from(folder)];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            if name.ends_with(".gz") {
                continue;
            }
            let name = if name == "index.html" { "/".to_owned() } else { format!("/{name}") };
            found.push((name, std::fs::read(&path).unwrap()));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_page_says_what_a_browser_may_do() {
    let site = Site::usual().await;
    let pages = pages();
    assert!(pages.iter().any(|(path, _)| path == "/"));
    for (path, bytes) in &pages {
        let answer = site.ask(&Who::Nobody, "GET", path, None).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("content-security-policy"), POLICY, "{path}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cache-control", "no-cache"),
        ] {
            assert_eq!(answer.header(name), value, "{path}: {name}");
        }
        assert_eq!(answer.body.as_bytes(), String::from_utf8_lossy(bytes).as_bytes(), "{path}");
        let tag = answer.header("etag").to_owned();
        let again = site.ask_with(&Who::Nobody, "GET", path, None, &[("if-none-match", &tag)]).await;
        assert!(again.status == 304 && again.body.is_empty(), "{path}: {again:?}");
        let other = site.ask_with(&Who::Nobody, "GET", path, None, &[("if-none-match", "\"x\"")]).await;
        assert_eq!(other.status, 200);
        assert_eq!(site.ask(&Who::Nobody, "POST", path, None).await.status, 405, "{path}");
        assert_eq!(site.ask(&Who::Nobody, "HEAD", path, None).await.status, 200, "{path}");
        let packed =
            site.client.get(format!("{}{path}", site.url)).header("accept-encoding", "br, gzip;q=0.5");
        let packed = packed.send().await.unwrap();
        assert_eq!(packed.headers()["content-encoding"], "gzip", "{path}");
        let mut plain = Vec::new();
        let packed = packed.bytes().await.unwrap();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&packed[..]), &mut plain).unwrap();
        assert_eq!(&plain, bytes, "{path}");
        let unpacked = site.client.get(format!("{}{path}", site.url)).header("accept-encoding", "gzip;q=0");
        assert!(!unpacked.send().await.unwrap().headers().contains_key("content-encoding"));
    }
}

#[test]
fn pages_have_no_scripts_and_styles_within() {
    for (path, bytes) in pages().iter().filter(|(path, _)| path == "/" || path.ends_with(".html")) {
        let text = String::from_utf8(bytes.clone()).unwrap().to_lowercase();
        assert!(
            !text.contains("<style") && !text.contains(" style=") && !text.contains("javascript:"),
            "{path}"
        );
        for script in text.split("<script").skip(1) {
            let (attributes, rest) = script.split_once('>').unwrap();
            assert!(attributes.contains("src=") && rest.starts_with("</script>"), "{path}: {script}");
        }
        let handlers = regex::Regex::new(r"\son[a-z]+\s*=").unwrap();
        assert!(!handlers.is_match(&text), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_of_the_api_are_inert() {
    let site = Site::usual().await;
    for path in [
        "/api/v1/session",
        "/api/v1/openapi.json",
        "/api/v1/nothing",
        "/api/v1/incidents/1/export?format=html",
    ] {
        let answer = site.ask(&Site::bearer(), "GET", path, None).await;
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("script-src"), "{path}: {policy}");
        let is_page = answer.header("content-type").starts_with("text/html");
        assert_eq!(policy.starts_with("sandbox;"), is_page, "{path}: {policy}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    }
    // What is not the console's needs the token, as before.
    assert_eq!(site.ask(&Who::Nobody, "GET", "/recognizers", None).await.status, 401);
    assert_eq!(site.ask(&Who::Nobody, "GET", "/nothing", None).await.status, 401);
}
