//! An estate, rules and settings that say little and remember what was asked of them.

use std::sync::Mutex;

use async_trait::async_trait;
use castellan_base::{Severity, Ticks};
use castellan_detect::rule::{Kind, Operator, Severity as AlertSeverity};
use castellan_server::console::{
    AnalyticsState, CheckedRule, Estate, EstateState, Exempt, Exemption, Failure, Fix, FixKind, GateState,
    Installation, LakeState, Mode, NewRule, Observed, Place, Recommendation, RecommendationState, RuleState,
    Rules, SavedRule, Settings, Trigger, WayIn,
};
use serde_json::{Value, json};

#[derive(Default)]
pub(crate) struct Told {
    pub(crate) acts: Mutex<Vec<String>>,
}

impl Told {
    fn note(&self, act: String) {
        self.acts.lock().unwrap().push(act);
    }
}

fn state() -> EstateState {
    EstateState {
        available: true,
        paths: vec!["estate".to_owned()],
        is_scanning: false,
        scanned: Some("2026-11-22T12:00:00Z".parse::<Ticks>().unwrap()),
        took_ms: Some(12.5),
        resources: Some(3),
        problem: None,
    }
}

fn recommendation(id: &str, exemption: Option<Exemption>) -> Result<Recommendation, Failure> {
    if id != "r1" {
        return Err(Failure::missing(format!("there is no recommendation `{id}`")));
    }
    let place = Place { file: "main.json".to_owned(), line: 3, column: 7, end_line: 3, end_column: 12 };
    Ok(Recommendation {
        id: id.to_owned(),
        check_id: "search-local-auth".to_owned(),
        title: "<script>alert(1)</script>".to_owned(),
        description: String::new(),
        severity: Severity::High,
        state: if exemption.is_some() { RecommendationState::Exempt } else { RecommendationState::Unhealthy },
        resource_id: "/subscriptions/s/x".to_owned(),
        resource_name: "x".to_owned(),
        resource_type: "Microsoft.Search/searchServices".to_owned(),
        workload: String::new(),
        reason: "local authentication is on".to_owned(),
        evidence: vec![Observed {
            path: "properties.disableLocalAuth".to_owned(),
            actual: json!(false),
            operator: "equals".to_owned(),
            expected: json!({ "is": [true] }),
            location: Some(place.clone()),
            snippet: Some("\"disableLocalAuth\": false".to_owned()),
            snippet_line: Some(3),
        }],
        location: Some(place),
        remediation: "Turn it off.".to_owned(),
        frameworks: vec!["nist-ai-rmf:1.0:MAP-1.1".to_owned()],
        risk_gain: 2.5,
        score_gain: 1.0,
        fixable: true,
        exemption,
        fixes: vec![
            Fix {
                title: "Patch main.json".to_owned(),
                kind: FixKind::Arm,
                file: Some("main.json".to_owned()),
                diff: Some("--- a\n+++ b\n".to_owned()),
                text: None,
                commands: Vec::new(),
                note: None,
            },
            Fix {
                title: "Command".to_owned(),
                kind: FixKind::Az,
                file: None,
                diff: None,
                text: None,
                commands: vec!["az x".to_owned()],
                note: Some("Decide first.".to_owned()),
            },
        ],
    })
}

impl Estate for Told {
    fn state(&self) -> EstateState {
        state()
    }

    fn scan(&self) -> Result<EstateState, Failure> {
        self.note("scan".to_owned());
        Ok(EstateState { is_scanning: true, ..state() })
    }

    fn bom(&self) -> Result<Value, Failure> {
        Ok(json!({ "bomFormat": "CycloneDX", "specVersion": "1.7" }))
    }

    fn recommendation(&self, id: &str) -> Result<Recommendation, Failure> {
        recommendation(id, None)
    }

    fn exempt(&self, id: &str, exempt: &Exempt, by: &str) -> Result<Recommendation, Failure> {
        self.note(format!("exempt {id} by {by}: {}", exempt.reason));
        let exemption = Exemption {
            category: exempt.category,
            reason: exempt.reason.clone(),
            approver: by.to_owned(),
            expires: Some(exempt.until),
            is_ours: true,
        };
        recommendation(id, Some(exemption))
    }

    fn lift(&self, id: &str, by: &str) -> Result<Recommendation, Failure> {
        self.note(format!("lift {id} by {by}"));
        recommendation(id, None)
    }
}

fn rule(id: &str) -> RuleState {
    RuleState {
        id: id.to_owned(),
        name: "Failed logons".to_owned(),
        description: "Many.".to_owned(),
        kind: Kind::Scheduled,
        severity: AlertSeverity::Medium,
        enabled: true,
        tactics: vec!["Execution".to_owned()],
        techniques: vec!["T1090".to_owned()],
        query: "SigninLogs".to_owned(),
        frequency: "PT5M".to_owned(),
        period: "PT5M".to_owned(),
        trigger: Trigger { operator: Operator::GreaterThan, threshold: 0 },
        mode: Mode::Row,
        mode_reason: String::new(),
        source: "built in".to_owned(),
        is_ours: false,
        last_run: None,
        last_status: String::new(),
        lag_seconds: Some(1.5),
        alerts: 2,
        errors: vec!["it fails".to_owned()],
        triage: vec!["Ask them.".to_owned()],
        playbook: "tell-people".to_owned(),
    }
}

impl Rules for Told {
    fn list(&self) -> Vec<RuleState> {
        vec![rule("one"), rule("two")]
    }

    fn folder(&self) -> Option<String> {
        Some("rules".to_owned())
    }

    fn check(&self, rule: &NewRule) -> CheckedRule {
        let yaml = format!("name: {}\n", rule.name);
        CheckedRule {
            ok: true,
            diagnostics: Vec::new(),
            yaml,
            mode: Some(Mode::Window),
            mode_reason: Some("x".to_owned()),
        }
    }

    fn save(&self, new: &NewRule, by: &str) -> Result<SavedRule, Failure> {
        self.note(format!("save {} by {by}", new.name));
        Ok(SavedRule {
            id: "new".to_owned(),
            file: "rules/new.yaml".to_owned(),
            runs: true,
            rule: rule("new"),
        })
    }

    fn remove(&self, id: &str, by: &str) -> Result<(), Failure> {
        self.note(format!("remove {id} by {by}"));
        if id == "new" { Ok(()) } else { Err(Failure::missing(format!("there is no rule `{id}`"))) }
    }
}

#[async_trait]
impl Settings for Told {
    async fn settings(&self) -> Installation {
        Installation {
            listen: "127.0.0.1:8700".to_owned(),
            tls: false,
            folder: Some("castellan-data".to_owned()),
            lake: LakeState {
                folder: Some("lake".to_owned()),
                tables: 3,
                rows: Some(7),
                bytes: None,
                free_bytes: Some(1),
            },
            gate: GateState { open: true, listen: Some("127.0.0.1:8800".to_owned()), file: None },
            analytics: AnalyticsState { rules: 2, folder: None },
            ways_in: vec![WayIn { kind: "syslog".to_owned(), at: "127.0.0.1:6514".to_owned() }],
            problems: vec!["x: y".to_owned()],
        }
    }
}
