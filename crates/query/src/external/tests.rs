//! A server on this machine stands for every public one, and names lead where the tests say.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use castellan_kql::interpret::Row;
use datafusion::arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
use datafusion::parquet::arrow::ArrowWriter;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{External, Network};
use crate::{Engine, Error, Settings};

/// What the names of the tests lead to.
pub(super) fn addresses_of(host: &str, port: u16) -> Vec<SocketAddr> {
    let addresses: &[&str] = match host {
        "inside.example.com" => &["10.0.0.7"],
        "mixed.example.com" => &["93.184.215.14", "169.254.169.254"],
        "mapped.example.com" => &["::ffff:127.0.0.1"],
        _ => &["93.184.215.14"],
    };
    addresses.iter().map(|address| SocketAddr::new(address.parse().unwrap(), port)).collect()
}

/// A file whose columns stand in another order and have other types than those declared.
fn parquet() -> Vec<u8> {
    let batch = RecordBatch::try_from_iter([
        ("age", Arc::new(Int32Array::from(vec![41, 7])) as ArrayRef),
        ("name", Arc::new(StringArray::from(vec!["ann", "bob"])) as ArrayRef),
    ])
    .unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// The answer to a path: status, further head lines, body.
fn answer(path: &str) -> (u16, String, Vec<u8>) {
    let packed = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut encoder, text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let to = |place: &str| (302, format!("Location: {place}\r\n"), Vec::new());
    let fine = |body: &[u8]| (200, String::new(), body.to_vec());
    match path {
        "/people.csv" | "/lists/people.csv" => fine(b"name,age,born\nann,41,1985-01-02\n\"b, ob\",,\n"),
        "/people.tsv" => fine(b"ann\t41\t1985-01-02\n"),
        "/people.psv" => fine(b"ann|41|1985-01-02\n"),
        "/people.txt" => fine(b"one, line\nanother\n"),
        "/people.json" => fine(b"{\"age\": 41, \"name\": \"ann\"}\n{\"name\": \"bob\", \"more\": [1]}"),
        "/people.multijson" => fine(b"[{\"age\": 41,\n\"name\": \"ann\"}, {\"name\": \"bob\"}]"),
        "/people.csv.gz" => fine(&packed("ann,41,1985-01-02\n")),
        "/people.parquet" => fine(&parquet()),
        "/bomb.csv.gz" => fine(&packed(&"x".repeat(4 << 20))),
        "/large.csv" => fine(&vec![b'x'; 2 << 20]),
        "/broken.json" => fine(b"{\"name\": "),
        "/moved" => to("/people.csv"),
        "/out" => to("http://elsewhere.example.org/people.csv"),
        "/in" => to("http://inside.example.com/people.csv"),
        "/literal" => to("http://169.254.169.254/metadata/instance"),
        "/file" => to("file:///etc/passwd"),
        "/round" => to("/round"),
        _ => (404, String::new(), Vec::new()),
    }
}

/// A server that answers each connection once.
async fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = vec![0; 4_096];
                let read = stream.read(&mut request).await.unwrap_or(0);
                let text = String::from_utf8_lossy(&request[..read]).into_owned();
                let path = text.split([' ', '?']).nth(1).unwrap_or_default().to_owned();
                if path == "/slow.csv" {
                    tokio::time::sleep(Duration::from_secs(30)).await;
                }
                let (status, head, body) = answer(&path);
                let head = format!(
                    "HTTP/1.1 {status} X\r\n{head}Content-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(head.as_bytes()).await;
                let _ = stream.write_all(&body).await;
            });
        }
    });
    address
}

/// What a query gives where these are allowed.
async fn asked(allow: &[&str], query: &str) -> Result<Vec<Row>, Error> {
    let external = External {
        allow: allow.iter().map(|text| (*text).to_owned()).collect(),
        bytes: 1 << 20,
        time: Duration::from_secs(2),
    };
    let mut engine = Engine::new(Settings { external, threads: 2, ..Settings::default() });
    engine.network = Network { stand_in: Some(server().await) };
    engine.query(query).await?.answers[0].values()
}

/// The rows as text with `|` between values.
async fn rows(query: &str) -> Vec<String> {
    let rows = asked(&["example.com:80"], query).await.unwrap_or_else(|error| panic!("{query}: {error}"));
    rows.iter()
        .map(|row| row.iter().map(castellan_kql::Value::to_text).collect::<Vec<_>>().join("|"))
        .collect()
}

async fn refusal(allow: &[&str], source: &str) -> String {
    let query = format!("externaldata(name: string, age: long) [h@'{source}']");
    let error = asked(allow, &query).await.expect_err(source);
    format!("{}: {error}", error.code)
}

fn read(file: &str, properties: &str) -> String {
    format!(
        "externaldata(name: string, age: long, born: datetime) ['http://example.com/{file}'] {properties}"
    )
}

#[tokio::test]
async fn files_of_every_format_are_read() {
    let ann = "ann|41|1985-01-02T00:00:00.0000000Z";
    assert_eq!(rows(&read("people.csv", "with (ignoreFirstRecord=true)")).await, [ann, "b, ob||"]);
    assert_eq!(rows(&read("people.csv", "")).await.len(), 3, "the header is a record unless it is said");
    assert_eq!(rows(&read("people.tsv", "with (format='tsv')")).await, [ann]);
    assert_eq!(rows(&read("people.psv", "")).await, [ann]);
    assert_eq!(rows(&read("people.csv.gz", "")).await, [ann]);
    assert_eq!(rows(&read("people.txt", "")).await, ["one, line||", "another||"]);
    assert_eq!(rows(&read("people.json", "with (format=json)")).await, ["ann|41|", "bob||"]);
    assert_eq!(rows(&read("people.multijson", "with (format='multijson')")).await, ["ann|41|", "bob||"]);
    assert_eq!(rows(&read("people.parquet", "with (format='parquet')")).await, ["ann|41|", "bob|7|"]);
}

#[tokio::test]
async fn several_files_are_one_table_and_operators_follow() {
    let query = "externaldata(name: string, age: long) ['http://example.com/people.psv', 'http://example.com/people.json'] \
                 | where name has 'ann' | summarize n = count(), s = sum(age)";
    assert_eq!(rows(query).await, ["2|82"]);
    let joined = "let people = externaldata(name: string, age: long) ['http://example.com/people.psv']; \
                  datatable(name: string) ['ann', 'eve'] | where name in (people) | join people on name | project age";
    assert_eq!(rows(joined).await, ["41"]);
}

#[tokio::test]
async fn nothing_is_read_unless_it_was_allowed() {
    let nothing = refusal(&[], "https://example.com/people.csv").await;
    assert!(nothing.starts_with("external-data: `externaldata` is not allowed here"), "{nothing}");
    assert!(nothing.contains("--allow-external"), "{nothing}");
    for (allow, source) in [
        ("example.com", "https://example.org/people.csv"),
        ("example.com", "https://www.example.com/people.csv"),
        ("example.com", "https://example.com.evil.org/people.csv"),
        ("example.com", "https://example.com:8443/people.csv"),
        ("*.example.com", "https://example.com/people.csv"),
        ("*.example.com", "https://badexample.com/people.csv"),
        ("https://example.com/lists", "https://example.com/listsx/people.csv"),
        ("https://example.com/lists/", "https://example.com/lists/../people.csv"),
        ("https://example.com/lists/", "https://example.com/lists/%2e%2e/people.csv"),
    ] {
        let told = refusal(&[allow], source).await;
        assert!(
            told.starts_with("external-data: ") && told.contains("may not read from"),
            "{source}: {told}"
        );
    }
    let below = "externaldata(name: string) ['http://example.com/lists/people.csv']";
    for allow in ["example.com:80", "https://example.com:80/lists/", "https://example.com:80/lists"] {
        assert!(asked(&[allow], below).await.is_ok(), "{allow}");
    }
    let host = "externaldata(name: string) ['http://a.example.com/people.csv']";
    assert!(asked(&["*.example.com:80"], host).await.is_ok());
}

#[tokio::test]
async fn files_of_this_machine_are_out_of_reach() {
    for source in
        ["/etc/passwd", "file:///etc/passwd", "etc/passwd", "C:\\secrets.csv", "ftp://example.com/a"]
    {
        let told = refusal(&["example.com:80", "*.com"], source).await;
        assert!(told.contains("reads https addresses alone"), "{source}: {told}");
    }
}

#[tokio::test]
async fn addresses_that_are_not_public_are_refused() {
    let allow = [
        "inside.example.com:80",
        "mixed.example.com:80",
        "mapped.example.com:80",
        "127.0.0.1:80",
        "[::1]:80",
    ];
    for source in [
        "http://inside.example.com/people.csv",
        "http://mixed.example.com/people.csv",
        "http://mapped.example.com/people.csv",
        "http://127.0.0.1/people.csv",
        "http://2130706433/people.csv",
        "http://0x7f.1/people.csv",
        "http://[::1]/people.csv",
    ] {
        let told = refusal(&allow, source).await;
        assert!(
            told.starts_with("external-data: ") && told.contains("no public address"),
            "{source}: {told}"
        );
    }
}

#[tokio::test]
async fn redirects_are_held_to_the_same() {
    assert_eq!(rows(&read("moved", "with (format='csv', ignoreFirstRecord=true)")).await.len(), 2);
    let allow = ["example.com:80", "inside.example.com:80", "169.254.169.254:80"];
    for (path, reason) in [
        ("out", "may not read from `elsewhere.example.org`"),
        ("in", "no public address"),
        ("literal", "no public address"),
        ("file", "reads https addresses alone"),
        ("round", "more than 5 redirects"),
    ] {
        let told = refusal(&allow, &format!("http://example.com/{path}")).await;
        assert!(told.contains(reason), "{path}: {told}");
    }
}

#[tokio::test]
async fn what_is_too_large_or_too_slow_is_refused() {
    for (file, reason) in [
        ("large.csv", "more than 1048576 bytes"),
        ("bomb.csv.gz", "more than 1048576 bytes once it is unpacked"),
        ("slow.csv", "longer than 2 s"),
        ("missing.csv", "answers 404"),
        ("broken.json", "EOF"),
    ] {
        let told = refusal(&["example.com:80"], &format!("http://example.com/{file}?sig=secret")).await;
        let is_told = told.starts_with("external-data-failed: ") && told.contains(reason);
        assert!(is_told && !told.contains("secret"), "{file}: {told}");
    }
}

#[tokio::test]
async fn keys_and_unknown_properties_are_refused() {
    let told = refusal(&["example.com:80"], "http://example.com/people.csv;impersonate").await;
    assert!(told.contains("keys and identities"), "{told}");
    let told = refusal(&["example.com:80"], "http://ann:secret@example.com/people.csv").await;
    assert!(told.contains("user name") && !told.contains("secret"), "{told}");
    for properties in ["with (format='orc')", "with (zipPattern='*.csv')"] {
        assert!(asked(&["example.com:80"], &read("people.csv", properties)).await.is_err(), "{properties}");
    }
}

/// Without the stand-in only https will do.
#[tokio::test]
async fn plain_http_is_refused_outside_of_tests() {
    let external = External { allow: vec!["example.com".to_owned()], ..External::default() };
    let engine = Engine::new(Settings { external, ..Settings::default() });
    let query = "externaldata(name: string) ['http://example.com/people.csv']";
    let error = engine.query(query).await.unwrap_err();
    assert!(error.message.contains("reads https addresses alone"), "{error}");
}
