//! Rule packages: what is read, that it comes out as it went in, and what is refused.

use castellan_base::Sources;
use castellan_classify::check::Checks;
use castellan_classify::exchange::rule_package::{Read, read, write};
use castellan_classify::rule::{Evidence, Proximity, Rules};
use castellan_classify::{Dictionaries, Engine};

const ENTITY: &str = r#"<Entity id="acc59528-ff01-433e-aeee-13ca8aaee159" patternsProximity="200" recommendedConfidence="75" workload="Exchange">
<Pattern confidenceLevel="85"><IdMatch idRef="Regex_id"/><Match idRef="Keyword_id" minCount="2" uniqueResults="true"/>
<Any minMatches="1" maxMatches="3"><Match idRef="Regex_date"/><Any minMatches="0" maxMatches="0"><Match idRef="Keyword_no"/></Any></Any></Pattern>
<Pattern confidenceLevel="65"><IdMatch idRef="Regex_id"/><Match idRef="Keyword_id"/></Pattern></Entity>"#;

const REST: &str = r#"<Affinity id="1111c60e-2ff7-47b2-a672-86e36cf608be" evidencesProximity="unlimited" thresholdConfidenceLevel="65">
<Evidence confidenceLevel="65"><Match idRef="Keyword_id"/><Match idRef="Regex_date"/></Evidence></Affinity>
<Regex id="Regex_id">(?:^|[\s,;:'&quot;])([A-Z]{2}\d{7})(?:$|[\s,;.])</Regex>
<Regex id="Regex_date">\b\d{2}/\d{2}/\d{4}\b</Regex>
<Keyword id="Keyword_id"><Group matchStyle="word"><Term>badge</Term><Term caseSensitive="true">ID &amp; Co</Term></Group>
<Group matchStyle="string"><Term>staff</Term></Group></Keyword>
<Keyword id="Keyword_no"><Group matchStyle="word"><Term>sample</Term></Group></Keyword>
<LocalizedStrings><Resource idRef="ACC59528-ff01-433e-aeee-13ca8aaee159">
<Name default="true" langcode="en-us">Staff Badge</Name><Description default="true" langcode="en-us">Badges &lt;of&gt; staff.</Description>
</Resource></LocalizedStrings>"#;

fn package(rules: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?>
<RulePackage xmlns="http://schemas.microsoft.com/office/2011/mce"><RulePack id="b4b4c60e-2ff7-47b2-a672-86e36cf608be">
<Version major="1" minor="2" build="3" revision="4"/><Publisher id="7ea13c35-0e58-472a-b864-5f2e717edec6"/>
<Details defaultLangCode="en-us"><LocalizedDetails langcode="en-us"><PublisherName>P</PublisherName><Name>N</Name>
<Description>D &amp; E</Description></LocalizedDetails></Details></RulePack><Rules>{rules}</Rules></RulePackage>"#
    )
}

fn load(text: &str) -> (Read, Vec<String>) {
    let mut sources = Sources::default();
    let file = sources.add("package.xml", text.to_owned());
    let known = crate::content::rules().0;
    let read = read(&sources, file, &known);
    let lines = read.problems.iter().map(|problem| {
        let place = sources.locate(problem.span).map(|place| place.to_string()).unwrap_or_default();
        format!("{place}: {}", problem.message)
    });
    let lines = lines.collect();
    (read, lines)
}

/// What the model says, without the places where it was read.
fn told(rules: &Rules) -> String {
    let mut rules = rules.clone();
    for element in &mut rules.elements {
        element.span = castellan_base::Span::NONE;
    }
    rules.elements.sort_by(|one, other| one.name.cmp(&other.name));
    let mut lines: Vec<String> = Vec::new();
    for detector in &rules.detectors {
        let (guid, proximity) = (detector.guid.clone(), detector.proximity);
        lines.push(format!(
            "{} {guid:?} {} {proximity:?} {}",
            detector.id, detector.title, detector.description
        ));
        lines.push(format!("{} {:?}", detector.recommended, detector.workload));
    }
    lines.extend(rules.elements.iter().map(|element| format!("{element:?}")));
    for affinity in &rules.affinities {
        lines.push(format!("{} {:?} {}", affinity.id, affinity.proximity, affinity.threshold));
    }
    lines.join("\n")
}

#[test]
fn a_package_is_read_as_a_whole() {
    let (read, problems) = load(&package(&format!("{ENTITY}{REST}")));
    assert_eq!(problems, Vec::<String>::new());
    let detector = &read.rules.detectors[0];
    assert_eq!(
        (&*detector.id, &*detector.title, &*detector.description),
        ("staff-badge", "Staff Badge", "Badges <of> staff.")
    );
    assert_eq!((detector.proximity, detector.recommended), (Proximity::Characters(200), 75));
    assert_eq!(detector.patterns[0].evidence.len(), 2);
    assert!(matches!(detector.patterns[0].evidence[0], Evidence::Match { min: 2, unique: true, .. }));
    let Evidence::Any { min: 1, max: Some(3), of } = &detector.patterns[0].evidence[1] else { panic!() };
    assert!(matches!(of[1], Evidence::Any { min: 0, max: Some(0), .. }));
    assert_eq!(read.rules.affinities[0].proximity, Proximity::Unlimited);
    assert_eq!(read.package.version, [1, 2, 3, 4]);
    assert_eq!(&*read.package.description, "D & E");
}

#[test]
fn it_comes_out_as_it_went_in() {
    let (first, _) = load(&package(&format!("{ENTITY}{REST}")));
    let written = write(&first.rules, &first.package);
    assert!(written.problems.is_empty());
    let (second, problems) = load(&written.text);
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(told(&first.rules), told(&second.rules));
    assert_eq!(first.package, second.package);
    // From then on not a byte changes.
    assert_eq!(written.text, write(&second.rules, &second.package).text);
}

#[test]
fn affinities_keep_their_distance() {
    let near = REST.replace(r#"evidencesProximity="unlimited""#, r#"evidencesProximity="40""#);
    let (first, problems) = load(&package(&format!("{ENTITY}{near}")));
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(first.rules.affinities[0].proximity, Proximity::Characters(40));
    let written = write(&first.rules, &first.package);
    assert!(written.problems.is_empty() && written.text.contains(r#"evidencesProximity="40""#));
    let (second, _) = load(&written.text);
    assert_eq!(told(&first.rules), told(&second.rules));
    let (engine, problems) =
        Engine::compile_strictly(second.rules, &Checks::standard(), &Dictionaries::default());
    assert!(problems.is_empty(), "{problems:?}");
    let check = |text: &str, expected: &[u8]| {
        let outcome = engine.scan_bytes(text.as_bytes());
        let found: Vec<u8> = outcome.combinations.iter().map(|it| it.confidence).collect();
        assert_eq!(found, expected, "{text}");
    };
    check("badge of 01/02/2020", &[65]);
    check("01/02/2020: ID & Co", &[65]);
    check("badge, which was given out in the year of 01/02/2020", &[]);
    check("01/02/2020", &[]);
}

#[test]
fn what_was_read_finds() {
    let (read, _) = load(&package(&format!("{ENTITY}{REST}")));
    let (engine, problems) =
        Engine::compile_strictly(read.rules, &Checks::standard(), &Dictionaries::default());
    assert!(problems.is_empty(), "{problems:?}");
    let check = |text: &str, expected: &[u8]| {
        let found: Vec<u8> = engine.scan(text).iter().map(|finding| finding.confidence).collect();
        assert_eq!(found, expected, "{text}");
    };
    check("badge AB1234567", &[65]);
    check("badge staff: AB1234567, 01/02/2020", &[85]);
    check("badge staff: AB1234567, sample", &[65]);
    check("AB1234567", &[]);
    check("badge AB12345678", &[]);
}

#[test]
fn functions_are_those_that_are_known() {
    let entity = |name: &str| {
        format!(
            r#"<Entity id="50842eb7-edc8-4019-85dd-5a5c1f2bb085" patternsProximity="300" recommendedConfidence="85"><Pattern confidenceLevel="85"><IdMatch idRef="{name}"/></Pattern></Entity>"#
        )
    };
    let (read, problems) = load(&package(&entity("Func_credit_card")));
    assert_eq!(problems, Vec::<String>::new());
    let written = write(&read.rules, &read.package).text;
    assert!(written.contains(r#"<IdMatch idRef="Func_credit_card"/>"#) && !written.contains("<Regex"));
    let (engine, _) = Engine::compile(read.rules, &Checks::standard(), &Dictionaries::default());
    assert_eq!(engine.scan("4111 1111 1111 1111").len(), 1);
    check_refused(
        &entity("Func_nobody_knows"),
        "it needs `Func_nobody_knows`, which is neither in the package nor known",
    );
}

fn check_refused(rules: &str, expected: &str) {
    let (read, problems) = load(&package(rules));
    assert!(read.rules.detectors.is_empty(), "{rules} was read");
    assert!(problems.iter().any(|problem| problem.contains(expected)), "{problems:?} lacks `{expected}`");
}

#[test]
fn what_has_no_counterpart_leaves_its_entity_out() {
    let entity = |id_match: &str, more: &str| {
        format!(
            r#"<Entity id="g" patternsProximity="300" recommendedConfidence="85"><Pattern confidenceLevel="85">{id_match}{more}</Pattern></Entity>"#
        )
    };
    let regex = r#"<Regex id="r">\bab\d{4}\b</Regex>"#;
    let primary = r#"<IdMatch idRef="r"/>"#;
    check_refused(
        &(entity(primary, "") + r#"<Fingerprint id="r">x</Fingerprint>"#),
        "`Fingerprint` has no counterpart",
    );
    check_refused(
        &(entity(primary, "") + r#"<Regex id="r" validators="v">x</Regex>"#),
        "its `validators` have no counterpart",
    );
    check_refused(&(entity("", "") + regex), "a pattern has no `IdMatch`");
    check_refused(&(entity(primary, primary) + regex), "a pattern has two `IdMatch`");
    check_refused(&(entity(primary, "<Sum/>") + regex), "it holds a `Sum`");
    check_refused(&(entity(primary, "").replace("300", "0") + regex), "`patternsProximity` is 0");
    check_refused(&(entity(primary, "").replace("300", "near") + regex), "is `near`, no whole number");
    check_refused(&entity("<IdMatch/>", ""), "a `IdMatch` has no `idRef`");
    assert!(load("<a>").1[0].contains("no XML"));
    assert!(load("<a/>").1[0].contains("is no rule package"));
}

#[test]
fn look_around_is_refused_by_the_engine() {
    let rules = r#"<Entity id="g" patternsProximity="300" recommendedConfidence="85"><Pattern confidenceLevel="85"><IdMatch idRef="r"/></Pattern></Entity><Regex id="r">(?&lt;!\d)\d{9}(?!\d)</Regex>"#;
    let (read, _) = load(&package(rules));
    let (_, problems) = Engine::compile_strictly(read.rules, &Checks::standard(), &Dictionaries::default());
    assert!(problems[0].message.contains("look-around"), "{problems:?}");
    assert!(problems[1].message.contains("detector `g` is left out"), "{problems:?}");
}
