//! `castellan up` with a folder of its own, and its demo.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Desk;
use crate::intake::Up;

/// The status and the body of an answer.
pub(crate) fn ask(address: &str, token: &str, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    let authorization =
        if token.is_empty() { String::new() } else { format!("authorization: Bearer {token}\r\n") };
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n{authorization}content-length: {length}\r\n\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.get(9..12).and_then(|code| code.parse().ok()).unwrap_or_default();
    (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

/// The first value of the first row of a query.
fn value(address: &str, token: &str, query: &str) -> Value {
    let asked = json!({ "query": query }).to_string();
    let (status, body) = ask(address, token, "POST", "/v1/workspaces/w/query", &asked);
    assert_eq!(status, 200, "{query}: {body}");
    let start = body.find('{').unwrap();
    let end = body.rfind('}').unwrap();
    let answer: Value = serde_json::from_str(&body[start..=end]).unwrap();
    answer["tables"][0]["rows"][0][0].clone()
}

pub(crate) fn count(address: &str, token: &str, query: &str) -> i64 {
    value(address, token, query).as_i64().unwrap_or_default()
}

/// Waits until something is so; how long that took.
pub(crate) fn until(what: &str, most: Duration, mut is_so: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < most, "{what} takes more than {most:?}");
        std::thread::sleep(Duration::from_millis(500));
    }
    begun.elapsed()
}

pub(crate) fn address(up: &mut Up) -> String {
    let told = up.told("castellan is up at http://");
    told.split(';').next().unwrap().to_owned()
}

#[test]
fn a_folder_is_made_once_and_gone_on_with() {
    let desk = Desk::new();
    let mut up = Up::start(&desk, &[]);
    let token = up.told("which is shown this once: ");
    let at = address(&mut up);
    let folder = desk.path("castellan-data");
    assert!(folder.join("lake").is_dir() && folder.join("rules").is_dir());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    }
    let path = "/dataCollectionRules/dcr-castellan/streams/Custom-Mine_CL?api-version=2023-01-01";
    assert_eq!(ask(&at, "", "POST", path, "[{\"n\": 1}]").0, 401);
    assert_eq!(ask(&at, "castellan_wrong", "POST", path, "[{\"n\": 1}]").0, 401);
    let (status, body) = ask(&at, &token, "POST", path, "[{\"n\": 1}]");
    assert_eq!(status, 204, "{body}");
    let most = Duration::from_secs(60);
    until("the first survey", most, || count(&at, &token, "CastellanScores | count") == 1);
    assert_eq!(count(&at, &token, "CastellanRecommendations | count"), 0, "nothing lies in the estate");
    let (code, told) = up.end();
    assert!(code == Some(0) && told.contains("analytics rules: "), "{told}");
    // What lies in the folder is used at the next start, and the token holds.
    desk.file("castellan-data/estate/main.json", crate::OPEN_ACCOUNT);
    let mut up = Up::start(&desk, &["--data", "castellan-data"]);
    let at = address(&mut up);
    until("the survey", most, || count(&at, &token, "CastellanRecommendations | count") > 0);
    assert_eq!(count(&at, &token, "Mine_CL | count"), 1);
    let gaps = "CastellanCoverage | where WorkloadType == 'service' and State == 'Gap' | count";
    assert!(count(&at, &token, gaps) > 0);
    let (code, told) = up.end();
    assert!(code == Some(0) && !told.contains("shown this once"), "{told}");
}

fn json_of((status, body): (u16, String), wanted: u16) -> Value {
    assert_eq!(status, wanted, "{body}");
    let (Some(start), Some(end)) = (body.find('{'), body.rfind('}')) else { return Value::Null };
    serde_json::from_str(&body[start..=end]).unwrap_or_else(|error| panic!("{error}: {body}"))
}

#[test]
fn the_console_fixes_accepts_and_saves_rules() {
    let desk = Desk::new();
    desk.file("d/estate/main.json", crate::OPEN_ACCOUNT);
    std::fs::create_dir_all(desk.path("d/rules")).unwrap();
    let mut up = Up::start(&desk, &["--data", "d"]);
    let token = up.told("which is shown this once: ");
    let at = address(&mut up);
    let link = up.told("/#code=");
    assert!(link.contains("within five minutes"), "{link}");
    let get = |path: &str| json_of(ask(&at, &token, "GET", path, ""), 200);
    let most = Duration::from_secs(60);
    let violated =
        "CastellanRecommendations | where State == 'Unhealthy' and CheckId == 'ai-services-key-access'";
    until("the survey", most, || count(&at, &token, &format!("{violated} | count")) == 1);
    let id = value(&at, &token, &format!("{violated} | project Id"));
    let path = format!("/api/v1/recommendations/{}", id.as_str().unwrap());
    let found = get(&path);
    assert!(
        found["fixes"][0]["diff"].as_str().unwrap().contains("{ \"disableLocalAuth\": true"),
        "{found:#}"
    );
    assert!(found["evidence"][0]["snippet"].as_str().unwrap().contains("disableLocalAuth"), "{found:#}");
    // The bill of materials, as a file for others.
    let bom = get("/api/v1/estate/bom");
    assert!(bom["bomFormat"] == "CycloneDX" && bom["specVersion"] == "1.7", "{bom:#}");
    // What is accepted counts at once, in tables too, and is taken back the same way.
    let reason = json!({ "reason": "Until the move", "category": "waiver" }).to_string();
    let exempt = format!("{path}/exempt");
    let accepted = json_of(ask(&at, &token, "POST", &exempt, &reason), 200);
    assert!(accepted["state"] == "Exempt" && accepted["exemption"]["isOurs"] == true, "{accepted:#}");
    assert_eq!(count(&at, &token, &format!("{violated} | count")), 0);
    assert_eq!(ask(&at, &token, "POST", &exempt, &reason).0, 409);
    let lifted = json_of(ask(&at, &token, "DELETE", &exempt, ""), 200);
    assert_eq!(lifted["state"], "Unhealthy", "{lifted:#}");
    assert_eq!(ask(&at, &token, "DELETE", &exempt, "").0, 409);
    assert_eq!(ask(&at, &token, "GET", "/api/v1/recommendations/none", "").0, 404);
    // A query becomes a rule that runs.
    let rules = get("/api/v1/rules");
    assert!(rules["rules"].as_array().unwrap().len() > 60, "{rules:#}");
    let wrong = json!({ "name": "Mine", "query": "Syslog | wher x", "severity": "High" }).to_string();
    assert_eq!(ask(&at, &token, "POST", "/api/v1/rules", &wrong).0, 400);
    let mine = json!({ "name": "Mine: \"#1\"", "query": "Syslog\n| where SyslogMessage has 'x'", "severity": "High" });
    let saved = json_of(ask(&at, &token, "POST", "/api/v1/rules", &mine.to_string()), 201);
    let file = saved["file"].as_str().unwrap();
    assert!(std::fs::read_to_string(file).unwrap().contains("| where SyslogMessage has 'x'"));
    let rule = format!("/api/v1/rules/{}", saved["id"].as_str().unwrap());
    // At once, before the rules were read again.
    assert_eq!(ask(&at, &token, "GET", &rule, "").0, 200);
    assert_eq!(ask(&at, &token, "POST", "/api/v1/rules", &mine.to_string()).0, 409, "names differ");
    assert_eq!(ask(&at, &token, "DELETE", &rule, "").0, 204);
    assert_eq!(ask(&at, &token, "GET", &rule, "").0, 404);
    // Tables of one's own are known.
    let path = "/dataCollectionRules/dcr-castellan/streams/Custom-Own_CL?api-version=2023-01-01";
    assert_eq!(ask(&at, &token, "POST", path, "[{\"n\": 1}]").0, 204);
    let own = |query: &str| json!({ "name": "Own", "query": query, "severity": "Low" }).to_string();
    assert_eq!(ask(&at, &token, "POST", "/api/v1/rules", &own("Own_CL | where m > 0")).0, 400);
    assert_eq!(ask(&at, &token, "POST", "/api/v1/rules", &own("Own_CL | where n > 0")).0, 201);
    // So are watchlists, which are functions.
    let listed = "_GetWatchlist('ai-canaries') | where isnotempty(SearchKey)";
    let listed = json!({ "name": "Listed", "query": listed, "severity": "Low" }).to_string();
    assert_eq!(ask(&at, &token, "POST", "/api/v1/rules", &listed).0, 201);
    let settings = get("/api/v1/settings");
    assert!(
        settings["demo"] == false
            && settings["folder"].as_str().unwrap().ends_with("/d")
            && settings["lake"]["freeBytes"].as_u64().is_some_and(|free| free > 0),
        "{settings:#}"
    );
    let (code, told) = up.end();
    assert_eq!(code, Some(0), "{told}");
}

#[test]
fn a_folder_that_others_can_write_to_is_refused() {
    let desk = Desk::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::create_dir(desk.path("d")).unwrap();
        std::fs::set_permissions(desk.path("d"), std::fs::Permissions::from_mode(0o777)).unwrap();
        let ran = desk.run(&["up", "--listen", "127.0.0.1:0", "--data", "d"]);
        assert!(ran.code == 2 && ran.err.contains("chmod 700"), "{ran:?}");
    }
    let ran = desk.run(&["up", "--data", "d", "--lake", "l"]);
    assert_eq!(ran.code, 2, "{ran:?}");
}

#[test]
fn the_demo_tells_its_story() {
    let desk = Desk::new();
    let begun = Instant::now();
    let mut up = Up::start(&desk, &["--demo", "--data", "demo"]);
    let token = up.told("which is shown this once: ");
    let at = address(&mut up);
    eprintln!("the demo listens after {:.1} s", begun.elapsed().as_secs_f64());
    // Generous: tests run unoptimised and beside others.
    let most = Duration::from_secs(400);
    let seen = |what: &str, least: i64, query: &str| {
        until(what, most, || count(&at, &token, query) >= least);
        eprintln!("{what} after {:.1} s", begun.elapsed().as_secs_f64());
    };
    seen("an answered request", 1, "CastellanGateDecisions | where Stage == 'done' | count");
    seen("recommendations", 20, "CastellanRecommendations | where State == 'Unhealthy' | count");
    let alert = "SecurityAlert | where AlertName has 'attacked a model at the gate' | count";
    seen("an alert about a blocked attack", 1, alert);
    seen(
        "a refusal by an order",
        1,
        "CastellanGateDecisions | where Reason startswith 'order_block' | count",
    );
    seen("3 incidents", 3, "SecurityIncident | summarize dcount(IncidentNumber)");
    seen("8 incidents", 8, "SecurityIncident | summarize dcount(IncidentNumber)");
    let old = "SecurityIncident | where FirstActivityTime < ago(10h) | summarize dcount(IncidentNumber)";
    seen("incidents of days that have passed", 5, old);
    let blocked = "CastellanGateDecisions | where Action == 'block' and Stage == 'inspect_request' | count";
    seen("blocked attacks", 3, blocked);
    let alert = "SecurityAlert | where AlertName has 'attacked a model at the gate' | count";
    seen("an alert about them", 1, alert);
    seen(
        "a refusal by an order",
        1,
        "CastellanGateDecisions | where Reason startswith 'order_block' | count",
    );
    let orders: Value = serde_json::from_str(&desk.read("demo/orders.json")).unwrap();
    assert!(orders.to_string().contains("block"), "{orders}");
    let days = "AppGenAIContent | summarize dcount(startofday(TimeGenerated))";
    assert!(count(&at, &token, days) >= 7, "the week is seven days long");
    let contradiction = "CastellanCoverage | where State == 'Contradiction' | count";
    seen("a filter that is off behind a gate that blocks", 1, contradiction);
    seen("controls that are there", 5, "CastellanCoverage | where State == 'Covered' | count");
    let told = "AppGenAIContent | where tostring(InputMessages) has '4111 1111' | count";
    assert_eq!(count(&at, &token, told), 0, "cards are redacted before they are kept");
    let (code, told) = up.end();
    assert_eq!(code, Some(0), "{told}");
    assert!(!told.contains("panicked") && !told.contains("error:"), "{told}");
}
