//! Sigma rules and correlations, by what they find.

use castellan_base::Sources;
use castellan_detect::check::{Schemas, Verdict, check};
use castellan_detect::rule::read::Loaded;
use castellan_detect::rule::{Rule, Severity, Tactic, duration};
use castellan_detect::run::{Memory, Rows, once};
use castellan_detect::sigma::{LogSources, read};
use castellan_kql::bind::Database;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::now;

fn of(text: &str) -> Loaded {
    read("rule.yml", text, LogSources::built_in(), &Schemas::default(), &mut Sources::default())
}

fn process(detection: &str) -> Loaded {
    of(&format!(
        "title: T\nid: 1b7e3c1c-0000-4000-8000-000000000009\nlevel: high\n\
         logsource: {{ product: windows, category: process_creation }}\ndetection:\n{detection}"
    ))
}

/// Rows of a table of the catalog.
fn events(table: &str, rows: &[Value]) -> Memory {
    let mut made = Memory::default();
    let columns = Schemas::default().table(table).unwrap().columns;
    let rows: Rows = rows.iter().map(|row| row.as_object().unwrap().clone()).collect();
    made.add_json(table, columns, &rows).unwrap();
    made
}

async fn found(rule: &Rule, events: &Memory) -> u64 {
    let (evaluation, _) =
        once(rule, events, now()).await.unwrap_or_else(|error| panic!("{}\n{error}", rule.query.text));
    evaluation.results.count()
}

/// Which of the command lines a search finds.
async fn commands(line: &str, texts: &[&str]) -> Vec<bool> {
    let loaded = process(&format!("  s:\n    {line}\n  condition: s\n"));
    assert!(loaded.diagnostics.is_empty(), "{line}: {:?}", loaded.diagnostics);
    let mut results = Vec::new();
    for text in texts {
        let row = json!({ "TimeGenerated": "2026-11-21T09:30:00Z", "ActionType": "ProcessCreated",
            "ProcessCommandLine": text, "ProcessId": 7, "FolderPath": "C:\\a\\b.exe", "InitiatingProcessFolderPath": "C:\\a\\B.exe" });
        results.push(found(&loaded.rules[0], &events("DeviceProcessEvents", &[row])).await == 1);
    }
    results
}

#[tokio::test]
async fn modifiers_find_what_they_say() {
    let encoded = "x SQBFAFgAIABhAGIA y";
    for (line, hits, misses) in [
        ("CommandLine: CMD /c", &["cmd /c", "CMD /C"][..], &["cmd /c x", ""][..]),
        ("CommandLine: 'a*d'", &["aXXD", "ad"], &["ab", "xad"]),
        ("CommandLine: 'a?d'", &["axd"], &["ad", "axxd"]),
        (r"CommandLine: 'a\*d'", &["a*d"], &["axd"]),
        ("CommandLine: ['a', 'b']", &["A", "b"], &["c"]),
        ("CommandLine: ''", &[""], &["a"]),
        ("CommandLine: null", &[""], &["a"]),
        ("CommandLine|contains: ell", &["PowerShELL"], &["el"]),
        ("CommandLine|contains|all: [a, b]", &["xaxbx"], &["a", "b"]),
        ("CommandLine|contains: [a, b]", &["xa", "bx"], &["c"]),
        ("CommandLine|startswith: 'a.b'", &["A.bc"], &["axbc", "xa.b"]),
        ("CommandLine|endswith: '\\cmd.exe'", &["c:\\CMD.EXE"], &["cmd.exe"]),
        ("CommandLine|cased: Abc", &["Abc"], &["abc"]),
        ("CommandLine|contains|cased: Abc", &["xAbc"], &["xabc"]),
        ("CommandLine|re: '^a+$'", &["aaa"], &["aab", "AAA"]),
        ("CommandLine|re|i: '^a+$'", &["AaA"], &["aab"]),
        (
            "CommandLine|contains|windash: ' -enc '",
            &["x -enc y", "x /enc y", "x \u{2013}ENC y"],
            &["x enc y"],
        ),
        ("CommandLine|wide|base64offset|contains: 'EX '", &[encoded], &["EX "]),
        ("CommandLine|base64: foo", &["Zm9v"], &["zm9v"]),
        ("CommandLine|exists: true", &["a"], &[""]),
        ("CommandLine|neq: a", &["b"], &["A"]),
        ("CommandLine|neq: [a, b]", &["c"], &["A", "b"]),
        ("CommandLine: '%APPDATA%'", &["%appdata%"], &["C:\\Users"]),
        ("CommandLine|windash: '*-enc'", &["x /enc", "-enc"], &["xenc"]),
        ("CommandLine|cidr: 10.0.0.0/8", &["10.1.2.3"], &["11.0.0.1", "x"]),
        ("CommandLine|gte: 5", &["5", "7.5"], &["4", "x"]),
        ("ProcessId|lt: 8", &["a"], &[]),
        ("ProcessId: 7", &["a"], &[]),
        ("ProcessId: '7'", &["a"], &[]),
        ("ProcessId|contains: 7", &["a"], &[]),
        ("ProcessId: [8, 9]", &[], &["a"]),
        ("Image|fieldref: ParentImage", &["a"], &[]),
        ("Image|fieldref: CommandLine", &["c:\\A\\b.exe"], &["b"]),
        ("Image|fieldref|neq: [CommandLine, FileName]", &["b"], &["c:\\A\\b.exe"]),
        ("Image|fieldref|endswith|cased: CommandLine", &["b.exe"], &["B.exe"]),
    ] {
        assert_eq!(commands(line, hits).await, vec![true; hits.len()], "{line} finds {hits:?}");
        assert_eq!(
            commands(line, misses).await,
            vec![false; misses.len()],
            "{line} does not find {misses:?}"
        );
    }
}

#[tokio::test]
async fn conditions_and_keywords() {
    let row = |text: &str| json!({ "TimeGenerated": "2026-11-21T09:30:00Z", "ActionType": "ProcessCreated", "ProcessCommandLine": text });
    for (detection, hits) in [
        ("  a: { CommandLine|contains: a }\n  b: { CommandLine|contains: b }\n  condition: a and not b\n", 1),
        (
            "  s_a: { CommandLine|contains: a }\n  s_b: { CommandLine|contains: b }\n  condition: 1 of s_*\n",
            3,
        ),
        (
            "  s_a: { CommandLine|contains: a }\n  s_b: { CommandLine|contains: b }\n  condition: all of them\n",
            1,
        ),
        ("  s: [ { CommandLine: a }, { CommandLine: b } ]\n  condition: s\n", 2),
        ("  s: [ zyx, nowhere ]\n  condition: s\n", 1),
        ("  s: { '|all': [ ab, Process ] }\n  condition: s\n", 1),
        ("  s: { '|neq': [ zyx, ab ] }\n  condition: s\n", 2),
        ("  s: { '|cased': [ ZYX, AB ] }\n  condition: s\n", 0),
        ("  s: { '|cased': [ zyx ] }\n  condition: s\n", 1),
        ("  s: { '|windash': [ ' -zyx' ] }\n  condition: s\n", 0),
        ("  a: { CommandLine: a }\n  b: { CommandLine: b }\n  condition: [ a, b ]\n", 2),
    ] {
        let loaded = process(detection);
        assert!(loaded.diagnostics.is_empty(), "{detection}: {:?}", loaded.diagnostics);
        let events = events("DeviceProcessEvents", &[row("a"), row("b"), row("ab"), row("zyx")]);
        assert_eq!(
            found(&loaded.rules[0], &events).await,
            hits,
            "{detection}\n{}",
            loaded.rules[0].query.text
        );
    }
}

#[test]
fn what_a_rule_says_beside() {
    let text = "title: Discovery\nid: x\nstatus: deprecated\nlevel: critical\ndescription: D\n\
        tags: [attack.discovery, attack.t1087.002, attack.command-and-control, atlas.aml.t0051, cve.2021-1]\n\
        falsepositives: [Administrators]\nlogsource: { product: windows, category: process_creation }\n\
        detection: { s: { Image: a }, condition: s }\n";
    let loaded = of(text);
    let rule = &loaded.rules[0];
    assert_eq!((rule.severity, rule.enabled), (Severity::High, false));
    assert_eq!(rule.tactics, [Tactic::Discovery, Tactic::CommandAndControl]);
    assert_eq!((&*rule.techniques[0].text, &*rule.atlas[0].text), ("T1087.002", "AML.T0051"));
    assert_eq!(&*rule.triage[0], "may be harmless: Administrators");
    assert_eq!(loaded.diagnostics[0].message, "the rule is deprecated: it is turned off");
    assert!(rule.entities.len() >= 2);
    assert_eq!(check(rule, &Schemas::default(), &Sources::default()).verdict, Verdict::Sound);
}

#[test]
fn what_cannot_be_put_into_kql_is_refused_with_its_place() {
    let detection = |text: &str| process(text);
    for (text, place, message) in [
        (
            "  s: { Nothing: a }\n  condition: s\n",
            "7:8",
            "`DeviceProcessEvents` has no column for the field `Nothing`",
        ),
        ("  s: { Image|frob: a }\n  condition: s\n", "7:8", "the modifier `frob` is not supported"),
        ("  s: { Image: a }\n  condition: t\n", "8:14", "there is no search `t`"),
        (
            "  s: { Image: a }\n  condition: s | count() > 5\n",
            "8:14",
            "aggregations behind `|` are not part of Sigma 2",
        ),
        (
            "  s: { Image|expand: '%admins%' }\n  condition: s\n",
            "7:22",
            "no list is known for the place `%admins%`",
        ),
        ("  s: { Image: [] }\n  condition: s\n", "7:8", "a list of values is empty"),
        ("  s: { Image|base64: 'a*' }\n  condition: s\n", "7:22", "an encoded value has no wildcards"),
        ("  s: { Image|wide: a }\n  condition: s\n", "7:8", "UTF-16 is compared in Base64 alone"),
        (
            "  s: { Image|cidr: 10.0.0.0/40 }\n  condition: s\n",
            "7:20",
            "`10.0.0.0/40` is no range of addresses; write it as `10.0.0.0/8` or `2001:db8::/32`",
        ),
        (
            "  s: { Image|re: 'a(?=b)' }\n  condition: s\n",
            "7:18",
            "`a(?=b)` is no expression that can be run: look-around, including look-ahead and look-behind, is not supported",
        ),
        ("  s: { Image: a }\n", "7:3", "the detection has no `condition`"),
        (
            "  s: { Image: a }\n  timeframe: 5m\n  condition: s\n",
            "8:14",
            "`timeframe` means nothing without an aggregation",
        ),
    ] {
        let mut sources = Sources::default();
        let whole = format!(
            "title: T\nid: x\nlevel: high\nlogsource: {{ product: windows, category: process_creation }}\n\ndetection:\n{text}"
        );
        let loaded = read("r.yml", &whole, LogSources::built_in(), &Schemas::default(), &mut sources);
        assert!(loaded.rules.is_empty(), "{text}");
        let told = &loaded.diagnostics[0];
        let at = sources.locate(told.span).unwrap();
        assert_eq!((format!("{}:{}", at.line, at.column).as_str(), told.message.as_str()), (place, message));
    }
    assert!(detection("  s: { Image: a }\n  condition: s\n").diagnostics.is_empty());
    let unknown = of("title: T\nlogsource: { product: toaster }\ndetection: { s: { a: b }, condition: s }\n");
    assert_eq!(unknown.diagnostics[0].message, "no table is known for the log source of product `toaster`");
}

const LOGONS: &str = "title: Failed\nname: failed\nlevel: low\nlogsource: { product: windows, service: security }\n\
    detection: { s: { EventID: 4625 }, condition: s }\n---\ntitle: Worked\nname: worked\nlevel: low\n\
    logsource: { product: windows, service: security }\ndetection: { s: { EventID: 4624 }, condition: s }\n---\n";

fn correlation(text: &str) -> Rule {
    let loaded = of(&format!("{LOGONS}title: C\nlevel: high\ncorrelation:\n{text}"));
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    loaded.rules.into_iter().next_back().unwrap()
}

/// Logons by minute, event and user.
fn security(rows: &[(u32, i64, &str)]) -> Memory {
    let rows: Vec<Value> = rows
        .iter()
        .map(|(minute, event, user)| {
            json!({ "TimeGenerated": format!("2026-11-21T09:{minute:02}:00Z"), "EventID": event, "TargetUserName": user,
                "Computer": format!("web{minute}") })
        })
        .collect();
    events("SecurityEvent", &rows)
}

#[tokio::test]
async fn correlations_find_groups() {
    let rows = [
        (51, 4625, "ann"),
        (52, 4625, "ann"),
        (53, 4625, "ann"),
        (54, 4624, "ann"),
        (55, 4624, "bob"),
        (56, 4625, "bob"),
        (20, 4625, "bob"),
    ];
    let world = security(&rows);
    let by = "  group-by: [TargetUserName]\n  timespan: 10m\n";
    for (text, groups) in [
        (format!("  type: event_count\n  rules: [failed]\n{by}  condition: {{ gte: 3 }}\n"), 1),
        (format!("  type: event_count\n  rules: failed\n{by}  condition: {{ gte: 1, lt: 3 }}\n"), 1),
        (
            "  type: event_count\n  rules: [failed, worked]\n  timespan: 10m\n  condition: { eq: 6 }\n"
                .to_owned(),
            1,
        ),
        (
            format!(
                "  type: value_count\n  rules: [failed]\n{by}  condition: {{ gt: 2, field: Computer }}\n"
            ),
            1,
        ),
        (
            format!(
                "  type: value_sum\n  rules: [failed]\n{by}  condition: {{ gte: 13875, field: EventID }}\n"
            ),
            1,
        ),
        (
            format!(
                "  type: value_avg\n  rules: [failed]\n{by}  condition: {{ eq: 4625, field: EventID }}\n"
            ),
            2,
        ),
        (
            format!(
                "  type: value_median\n  rules: [worked]\n{by}  condition: {{ eq: 4624, field: EventID }}\n"
            ),
            2,
        ),
        (format!("  type: temporal\n  rules: [failed, worked]\n{by}"), 2),
        (format!("  type: temporal\n  rules: [failed, worked]\n{by}  condition: {{ gte: 1 }}\n"), 2),
        (format!("  type: temporal_ordered\n  rules: [failed, worked]\n{by}"), 1),
        (format!("  type: temporal_ordered\n  rules: [worked, failed]\n{by}"), 1),
        (format!("  type: temporal_ordered\n  rules: [failed, worked, failed]\n{by}"), 0),
        (format!("  type: temporal_ordered\n  rules: [failed, failed, worked]\n{by}"), 1),
        (format!("  type: event_count\n  rules: [worked, worked]\n{by}  condition: {{ gte: 2 }}\n"), 0),
    ] {
        let rule = correlation(&text);
        assert_eq!((rule.period, rule.frequency), (10 * duration::MINUTE, 10 * duration::MINUTE / 6));
        assert_eq!(found(&rule, &world).await, groups, "{text}\n{}", rule.query.text);
    }
}

/// Of a text that is no address or number nobody can tell whether it is in a range: a filter does not hold for it.
#[tokio::test]
async fn what_a_filter_cannot_tell_of_is_found() {
    let loaded = of(
        "title: T\nlevel: high\nlogsource: { product: windows, category: network_connection }\ndetection:\n  s:\n    \
         Initiated: 'true'\n  filter_local:\n    DestinationIp|cidr: ['10.0.0.0/8', '::1/128']\n  filter_low:\n    \
         DestinationPort|lt: 100\n  condition: s and not 1 of filter_*\n",
    );
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    let mut found_of = Vec::new();
    for (address, port) in [
        ("10.1.2.3", json!(443)),
        ("2001:db8::7", json!(443)),
        ("", json!(443)),
        ("9.9.9.9", json!(80)),
        ("9.9.9.9", Value::Null),
    ] {
        let row = json!({ "TimeGenerated": "2026-11-21T09:30:00Z", "ActionType": "ConnectionSuccess",
            "RemoteIP": address, "RemotePort": port });
        found_of.push(found(&loaded.rules[0], &events("DeviceNetworkEvents", &[row])).await);
    }
    assert_eq!(found_of, [0, 1, 1, 0, 1], "{}", loaded.rules[0].query.text);
}

#[test]
fn windows_of_correlations_overlap_however_short_they_are() {
    for (span, frequency) in
        [("10s", duration::MINUTE / 36), ("1m", duration::MINUTE / 6), ("1h", 10 * duration::MINUTE)]
    {
        let rule = correlation(&format!(
            "  type: event_count\n  rules: [failed]\n  timespan: {span}\n  condition: {{ gte: 3 }}\n"
        ));
        assert_eq!(rule.frequency, frequency, "{span}");
    }
}

#[test]
fn rules_of_a_correlation_that_is_refused_are_quiet_too() {
    let text = format!(
        "{LOGONS}title: C\nlevel: high\ncorrelation:\n  type: nonsense\n  rules: [failed]\n  timespan: 5m\n"
    );
    let loaded = of(&text);
    assert_eq!(loaded.rules.iter().map(|rule| &*rule.name).collect::<Vec<_>>(), ["Worked"]);
    assert_eq!(loaded.diagnostics.len(), 1);
}

#[test]
fn rules_of_a_correlation_are_quiet() {
    let text = format!(
        "{LOGONS}title: C\nlevel: high\ncorrelation:\n  type: temporal\n  rules: [failed, worked]\n  timespan: 5m\n"
    );
    assert_eq!(of(&text).rules.len(), 1);
    assert_eq!(of(&text.replace("correlation:", "generate: true\ncorrelation:")).rules.len(), 3);
    for (part, message) in [
        ("rules: [gone]\n  type: temporal\n  timespan: 5m\n", "there is no rule `gone`"),
        ("rules: [failed]\n  type: temporal\n  timespan: soon\n", "`soon` is no time span"),
        (
            "rules: [failed]\n  type: magic\n  timespan: 5m\n",
            "correlations of the type `magic` are not supported",
        ),
        ("rules: [failed]\n  type: event_count\n  timespan: 5m\n", "`event_count` needs a `condition`"),
        (
            "rules: [failed]\n  type: event_count\n  timespan: 5m\n  condition: { above: 3 }\n",
            "`above` is no comparison",
        ),
        (
            "rules: [failed]\n  type: value_count\n  timespan: 5m\n  condition: { gt: 3 }\n",
            "`value_count` needs `condition.field`",
        ),
        (
            "rules: [failed]\n  type: temporal\n  timespan: 5m\n  group-by: [Nope]\n",
            "`SecurityEvent` has no column for the field `Nope`",
        ),
    ] {
        let loaded = of(&format!("{LOGONS}title: C\nlevel: high\ncorrelation:\n  {part}"));
        assert_eq!(loaded.diagnostics[0].message, message);
    }
}

#[test]
fn aliases_bring_fields_of_other_names_together() {
    let text = "title: A\nname: a\nlevel: low\nlogsource: { product: azure, service: signinlogs }\ndetection: { s: { ResultType: '0' }, condition: s }\n---\n\
        title: B\nname: b\nlevel: low\nlogsource: { product: aws, service: cloudtrail }\ndetection: { s: { eventName: ConsoleLogin }, condition: s }\n---\n\
        title: C\nlevel: high\ncorrelation:\n  type: temporal\n  rules: [a, b]\n  timespan: 1h\n  group-by: [ip]\n\
        \x20 aliases: { ip: { a: IPAddress, b: sourceIPAddress } }\n";
    let loaded = of(text);
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    let rule = &loaded.rules[0];
    assert!(rule.query.text.contains("ip = IPAddress") && rule.query.text.contains("ip = SourceIpAddress"));
    assert_eq!(check(rule, &Schemas::default(), &Sources::default()).verdict, Verdict::Sound);
}

#[tokio::test]
async fn places_stand_for_the_values_of_a_list() {
    let own = "- { placeholder: admins, values: [ann, 'b*'] }\n- { placeholder: none, values: [] }\n";
    let (upper, told) = LogSources::read("own.yaml", own, &mut Sources::default());
    assert_eq!(told.len(), 1, "{told:?}");
    let all = LogSources::built_in().under(upper);
    let text = "title: T\nid: x\nlevel: low\nlogsource: { product: windows, category: process_creation }\n\
        detection: { s: { CommandLine|expand: ['%admins%', eve] }, condition: s }\n";
    let loaded = read("r.yml", text, &all, &Schemas::default(), &mut Sources::default());
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    let row = |text: &str| json!({ "TimeGenerated": "2026-11-21T09:30:00Z", "ActionType": "ProcessCreated", "ProcessCommandLine": text });
    let events =
        events("DeviceProcessEvents", &[row("Ann"), row("bob"), row("eve"), row("carl"), row("%admins%")]);
    assert_eq!(found(&loaded.rules[0], &events).await, 3, "{}", loaded.rules[0].query.text);
}

/// Sigma names hives and numbers as Sysmon does.
#[tokio::test]
async fn registry_events_are_found_by_the_names_of_sysmon() {
    let row = json!({ "TimeGenerated": "2026-11-21T09:30:00Z", "ActionType": "RegistryValueSet",
        "RegistryKey": "HKEY_LOCAL_MACHINE\\SOFTWARE\\Run", "RegistryValueName": "Bad", "RegistryValueType": "Dword",
        "RegistryValueData": "1" });
    for (category, search, hits) in [
        ("registry_set", "TargetObject: 'HKLM\\SOFTWARE\\Run\\Bad'", 1),
        ("registry_set", "Details: 'DWORD (0x00000001)'", 1),
        ("registry_event", "EventType: SetValue", 1),
        ("registry_delete", "TargetObject|contains: Run", 0),
    ] {
        let text = format!(
            "title: T\nid: x\nlevel: low\nlogsource: {{ product: windows, category: {category} }}\ndetection:\n  s:\n    \
             {search}\n  condition: s\n"
        );
        let loaded = of(&text);
        assert!(loaded.diagnostics.is_empty(), "{search}: {:?}", loaded.diagnostics);
        let events = events("DeviceRegistryEvents", std::slice::from_ref(&row));
        assert_eq!(found(&loaded.rules[0], &events).await, hits, "{}", loaded.rules[0].query.text);
    }
}

#[test]
fn months_are_no_minutes() {
    for (span, days) in [("1M", 30), ("2w", 14), ("1y", 365)] {
        let rule = correlation(&format!(
            "  type: event_count\n  rules: [failed]\n  timespan: {span}\n  condition: {{ gte: 3 }}\n"
        ));
        assert_eq!(rule.period, days * 1_440 * duration::MINUTE, "{span}");
    }
}

#[test]
fn a_query_has_a_bound() {
    let values: Vec<String> = (0..60_000).map(|at| format!("'*value {at} of many*'")).collect();
    let text = format!("  s: {{ CommandLine: [{}] }}\n  condition: s\n", values.join(", "));
    let loaded = process(&text);
    assert!(loaded.rules.is_empty() && loaded.diagnostics[0].message.contains("at most 1048576 are run"));
}

#[test]
fn a_file_of_ones_own_counts_first() {
    let own = "- source: { category: process_creation }\n  table: SecurityEvent\n  fields: { Image: NewProcessName }\n- { table: x }\n";
    let (upper, told) = LogSources::read("own.yaml", own, &mut Sources::default());
    assert_eq!(told.len(), 1);
    let all = LogSources::built_in().under(upper);
    let text = "title: T\nlevel: low\nlogsource: { category: process_creation }\ndetection: { s: { Image: a }, condition: s }\n";
    let loaded = read("r.yml", text, &all, &Schemas::default(), &mut Sources::default());
    assert_eq!(&*loaded.rules[0].query.text, "SecurityEvent\n| where NewProcessName =~ 'a'");
}

proptest! {
    /// Whatever a value holds, the query binds, and finds the text itself where it has no wildcards.
    #[test]
    fn values_are_never_code(text in "[a-z'\"\\\\*?(){}|;/% -]{1,12}") {
        let line = serde_json::to_string(&text).unwrap();
        let loaded = process(&format!("  s: {{ CommandLine: {line} }}\n  condition: s\n"));
        for rule in &loaded.rules {
            let checked = check(rule, &Schemas::default(), &Sources::default());
            prop_assert_eq!(checked.verdict, Verdict::Sound, "{} {:?}", rule.query.text, checked.diagnostics);
        }
        prop_assert_eq!(loaded.rules.len() + loaded.diagnostics.len(), 1);
    }
}
