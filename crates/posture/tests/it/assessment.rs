use castellan_base::Severity;
use castellan_posture::compliance::ControlStatus;
use castellan_posture::{Baseline, Exemptions, Format, assess, baseline};

use crate::support::{TEMPLATE, assess_template, content, options, render, template_estate, verdicts};

#[test]
fn violations_come_first_and_the_unknown_is_not_met() {
    let (_, assessment) = assess_template(TEMPLATE);
    assert_eq!(
        verdicts(&assessment),
        [
            "public-network bad non-compliant",
            "public-network bare non-compliant",
            "key-access bad non-compliant",
            "key-access bare non-compliant",
            "key-access unclear unknown",
        ]
    );
    let bad = &assessment.findings[2];
    let place = bad.finding.location.as_ref().unwrap().to_string();
    assert_eq!(place, "infra/main.json:16:29", "the value itself is pointed at");
    assert_eq!(bad.finding.evidence[0].path.as_ref(), "properties.disableLocalAuth");
    let summary = assessment.summary();
    assert_eq!((summary.total(), summary.unknown, summary.compliant), (4, 1, 3));
    assert!(assessment.fails(Severity::High) && !assessment.fails(Severity::Critical));
}

#[test]
fn scores_and_gains() {
    let (_, assessment) = assess_template(TEMPLATE);
    // Keys: 1 healthy, 2 unhealthy, 1 unknown. Network: 2 healthy, 2 unhealthy. (4/3 + 4/4*2) / 8.
    let percent = assessment.secure_score.percent.unwrap();
    assert!((percent - (4.0 / 3.0 + 2.0) / 8.0 * 100.0).abs() < 1e-9, "{percent}");
    let network = assessment.checks.iter().find(|one| &*one.check.id == "public-network").unwrap();
    assert!((network.secure_score_gain - 25.0).abs() < 1e-9, "{}", network.secure_score_gain);
    let risk = &assessment.risk;
    assert!(risk.score.unwrap() > 0.0 && risk.upper.unwrap() > risk.score.unwrap());
    assert!(
        assessment.findings.iter().filter(|found| found.is_violation()).all(|found| found.risk_gain > 0.0)
    );
}

#[test]
fn compliance_says_what_no_check_covers() {
    let (_, assessment) = assess_template(TEMPLATE);
    let frame = &assessment.compliance[0];
    let statuses: Vec<_> = frame.controls.iter().map(|control| control.status).collect();
    assert_eq!(statuses, [ControlStatus::Failed, ControlStatus::Failed, ControlStatus::NotCovered]);
    assert!((frame.coverage_percent() - 200.0 / 3.0).abs() < 1e-9);
    assert_eq!(frame.passed_percent(), 0.0);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let estate = template_estate(TEMPLATE);
    let mut one = options();
    one.threads = Some(1);
    let mut many = options();
    many.threads = Some(4);
    let json = |options| render(Format::Json, &assess(&estate, &content(), None, options), &estate);
    assert_eq!(json(&one), json(&many));
}

#[test]
fn exemptions_apply_until_they_expire() {
    let estate = template_estate(TEMPLATE);
    let file = |expires: &str| {
        let text = format!(
            "exemptions:\n  - check: identity\n    resource: '*/accounts/ba*'\n    category: waiver\n    \
             reason: pilot\n    approver: ciso@example.org\n    expires: {expires}\n"
        );
        Exemptions::parse("exemptions.yaml", &text).unwrap()
    };
    let mut with = options();
    with.exemptions = file("2026-12-01");
    let assessment = assess(&estate, &content(), None, &with);
    assert_eq!(assessment.summary().exempt, 2);
    assert_eq!(assessment.exemptions.used[0].1, 2);
    assert_eq!(
        assessment.findings.last().unwrap().exemption.as_ref().unwrap().approver.as_ref(),
        "ciso@example.org"
    );
    with.exemptions = file("2026-11-20");
    let late = assess(&estate, &content(), None, &with);
    assert_eq!((late.summary().exempt, late.exemptions.expired.len()), (0, 1));
    assert!(late.diagnostics.iter().any(|message| message.message.contains("expired")));
}

#[test]
fn only_what_is_new_counts_against_a_baseline() {
    let (estate, before) = assess_template(&TEMPLATE.replace("\"name\": \"bare\"", "\"name\": \"gone\""));
    let written = String::from_utf8(baseline::write(&before)).unwrap();
    for former in [written, render(Format::Json, &before, &estate)] {
        let mut against = options();
        against.baseline = Some(Baseline::parse("former.json", &former).unwrap());
        let same = assess(&estate, &content(), None, &against);
        assert!(!same.fails(Severity::Info));
        let after = assess(&template_estate(TEMPLATE), &content(), None, &against);
        let outcome = after.baseline.as_ref().unwrap();
        assert_eq!((outcome.new, outcome.known, outcome.fixed.len()), (2, 2, 2));
        assert!(after.fails(Severity::High));
    }
    assert!(Baseline::parse("x.json", "{}").unwrap_err().to_string().contains("is no baseline"));
}
