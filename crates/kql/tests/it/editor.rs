//! What an editor is told. In the queries `^` stands for the cursor.

use castellan_kql::editor::{Completions, ItemKind, check, classify, complete, fixes, hover, signature};
use castellan_kql::schema::Catalog;

/// The text without the cursor, and the cursor.
fn cut(marked: &str) -> (String, usize) {
    let offset = marked.find('^').expect("a cursor");
    (marked.replacen('^', "", 1), offset)
}

fn completions(marked: &str) -> Completions {
    let (text, offset) = cut(marked);
    complete(&text, offset, Catalog::built_in())
}

fn labels(marked: &str) -> Vec<String> {
    completions(marked).items.into_iter().map(|item| item.label).collect()
}

/// The first items begin with these.
#[track_caller]
fn first(marked: &str, expected: &[&str]) {
    let found = labels(marked);
    assert_eq!(found.get(..expected.len()).unwrap_or(&found), expected, "{marked}");
}

#[track_caller]
fn has(marked: &str, expected: &[&str], missing: &[&str]) {
    let found = labels(marked);
    for label in expected {
        assert!(found.iter().any(|found| found == label), "{marked} has no {label}: {:?}", found.get(..30));
    }
    for label in missing {
        assert!(!found.iter().any(|found| found == label), "{marked} has {label}");
    }
}

#[test]
fn a_query_begins_with_tables() {
    first("Signin^", &["SigninLogs"]);
    first("l^", &["let"]);
    has("^", &["SecurityEvent", "let", "union", "print", "_Im_Dns"], &["where", "strlen", "summarize"]);
    has("let x = 1h; ^", &["SecurityEvent"], &["where"]);
    has("let t = SigninLogs; ^", &["t"], &[]);
    has("let t = ^", &["SecurityEvent", "strcat", "datatable"], &["where", "let"]);
    has("// comment ^", &[], &["SecurityEvent"]);
}

#[test]
fn operators_follow_a_bar() {
    first("SigninLogs | summ^", &["summarize"]);
    first("SigninLogs | project-aw^", &["project-away"]);
    has("SigninLogs | ^", &["where", "summarize", "join", "union"], &["SigninLogs", "print", "strlen"]);
    has("SigninLogs | mv-apply d = x on (^", &["where", "summarize"], &["SigninLogs"]);
    has("SigninLogs | partition by Id (^", &["where", "top"], &["SigninLogs"]);
    let (text, _) = cut("SigninLogs | project-aw^ Id");
    assert_eq!(completions("SigninLogs | project-aw^ Id").replace.text(&text), "project-aw");
}

#[test]
fn expressions_see_the_columns_before_them() {
    first("SigninLogs | where UserP^", &["UserPrincipalName"]);
    first("SigninLogs | where userp^", &["UserPrincipalName"]);
    first("SigninLogs | extend both = strcat(Id, '-') | project bo^", &["both"]);
    has("SigninLogs | project Id, a = 1 | where ^", &["Id", "a", "strlen"], &["UserPrincipalName", "count"]);
    has("SigninLogs | where a == 1 | where ^ | project b = 1", &["Id"], &["b"]);
    has("SigninLogs | where nope( | where ^", &["Id"], &[]);
    has("let limit_of = 3; SigninLogs | where strlen(^", &["Id", "limit_of"], &[]);
    has("SigninLogs | summarise x | where ^", &["Id"], &[]);
}

#[test]
fn inner_pipelines_have_their_own_columns() {
    has("SigninLogs | join (SecurityEvent | where ^", &["EventID"], &["AppDisplayName"]);
    has("SigninLogs | join kind=inner (SecurityEvent | project Computer, ^", &["EventID"], &[]);
    has("SigninLogs | where Id in (SecurityEvent | project ^", &["EventID"], &["AppDisplayName"]);
    has("SigninLogs | mv-apply d = AuthenticationDetails on (where ^", &["d", "Id"], &[]);
    has("let f = (x: string, T: (a: long)) { let y = 1; T | where ^", &["a", "x", "y"], &["Id"]);
    has("let f = (x: string) { SigninLogs | where ^ }; f('a')", &["Id", "x"], &[]);
    has("union (SigninLogs | where ^", &["Id"], &[]);
}

#[test]
fn joins_know_both_sides() {
    has("SigninLogs | join ^", &["kind=", "SecurityEvent"], &["Id"]);
    has("SigninLogs | join (^", &["SecurityEvent"], &["where"]);
    first("SigninLogs | join kind=left^", &["leftanti", "leftouter", "leftsemi"]);
    has("SigninLogs | join (SecurityEvent) ^", &["on"], &["SecurityEvent"]);
    has(
        "SigninLogs | join (SecurityEvent) on ^",
        &["TimeGenerated", "$left"],
        &["EventID", "AppDisplayName"],
    );
    has("SigninLogs | join (SecurityEvent) on $left.^", &["Id"], &["EventID"]);
    has("SigninLogs | join (SecurityEvent) on $left.Id == $right.^", &["EventID"], &["Id"]);
}

#[test]
fn operators_have_words_and_options() {
    has("SigninLogs | summarize ^", &["count", "make_set", "by"], &["where"]);
    has("SigninLogs | summarize count() ^", &["by"], &[]);
    has("SigninLogs | summarize count() by ^", &["Id", "bin"], &["make_set"]);
    has("SigninLogs | sort by Id ^", &["asc", "desc"], &[]);
    has("SigninLogs | mv-expand ^", &["kind=", "Id"], &[]);
    has("SigninLogs | mv-expand kind=^", &["array", "bag"], &["Id"]);
    has("union ^", &["withsource=", "isfuzzy=", "SigninLogs"], &[]);
    has("union isfuzzy=^", &["true", "false"], &[]);
    has("SigninLogs | count | render ^", &["timechart"], &["Count"]);
    has("SigninLogs | render timechart with (^", &["title="], &[]);
    has("SigninLogs | evaluate ^", &["bag_unpack", "pivot"], &["strlen"]);
    has("SigninLogs | project-away ^", &["Id"], &["strlen"]);
    has("SigninLogs | where Id ^", &["has", "=~", "and"], &["strlen"]);
    has("SigninLogs | sort by Id | extend p = ^", &["prev", "row_number"], &[]);
    has("SigninLogs | extend p = ^", &["strlen"], &["prev"]);
    has("print typeof(^", &["long"], &["strlen"]);
    has("datatable(a: ^", &["long", "string"], &["strlen"]);
}

#[test]
fn values_fit_the_column() {
    has("SigninLogs | where TimeGenerated > ^", &["ago(1h)"], &[]);
    has("AADManagedIdentitySignInLogs | where TimeGenerated > a^", &["ago(1h)", "ago"], &[]);
}

#[test]
fn names_that_need_brackets_get_them() {
    let found = completions("print ['a b'] = 1, ok = 2 | where ^");
    let item = found.items.iter().find(|item| item.label == "a b").unwrap();
    assert_eq!((item.insert.as_str(), item.kind), ("['a b']", ItemKind::Column));
}

#[test]
fn nothing_is_proposed_inside_constants() {
    for marked in ["print 'a^'", "print \"a^", "print 12^", "print 1d^", "T // x^"] {
        assert!(labels(marked).is_empty(), "{marked}");
    }
}

#[test]
fn any_place_of_any_text_is_fine() {
    let query = "let f = (x: long) { T | where x == ['\u{e9}'] }; T | join kind=inner (U | mv-apply a on (take 1)) on $left.a";
    for offset in 0..query.len() + 3 {
        complete(query, offset, Catalog::built_in());
        hover(query, offset, Catalog::built_in());
        signature(query, offset, Catalog::built_in());
    }
    for end in (0..query.len()).filter(|end| query.is_char_boundary(*end)) {
        let text = &query[..end];
        complete(text, end, Catalog::built_in());
        check(text, Catalog::built_in());
        classify(text);
    }
}

#[test]
fn hostile_texts_are_answered_in_time() {
    let texts = [
        "(".repeat(50_000),
        "T | where ".to_owned() + &"f(".repeat(50_000),
        "let f = () {".repeat(10_000),
        "T | join (".repeat(10_000),
        "a-".repeat(50_000),
        "let set_difference = 1; makeset(1); ".repeat(2_000),
    ];
    let answer = |text: &String| {
        let catalog = Catalog::built_in();
        complete(text, text.len(), catalog);
        hover(text, text.len(), catalog);
        signature(text, text.len(), catalog);
        for wrong in check(text, catalog) {
            fixes(text, &wrong);
        }
        classify(text);
    };
    let most = std::time::Duration::from_secs(30);
    crate::processor::within(most, "hostile texts", || texts.iter().for_each(answer));
}

#[track_caller]
fn says(marked: &str, expected: &str) {
    let (text, offset) = cut(marked);
    let found = hover(&text, offset, Catalog::built_in()).map(|hover| hover.markdown).unwrap_or_default();
    assert!(found.contains(expected), "{marked}: {found}");
}

#[test]
fn words_are_explained() {
    says("SigninLogs | where Time^Generated > 1", "TimeGenerated: datetime");
    says("SigninLogs | wh^ere true", "T | where PREDICATE");
    says("SigninLogs | project-aw^ay Id", "project-away COLUMN");
    says("Signin^Logs | take 1", "AppDisplayName: string");
    says("print str^cat('a', 'b')", "strcat(value: any, ...)");
    says("_Im_D^ns(starttime=now())", "starttime: datetime");
    says("let f = (x: long = 1) { x }; print f^(1)", "f([x: long])");
    says("let a = 1h; print a^", "let a: timespan");
    says("T | where a h^as 'x'", "has");
}

#[test]
fn calls_show_their_arguments() {
    let at = |marked: &str| {
        let (text, offset) = cut(marked);
        signature(&text, offset, Catalog::built_in()).map(|found| (found.label, found.active))
    };
    assert_eq!(
        at("print substring('abc', ^"),
        Some(("substring(text: scalar, start: long, [length: long])".into(), Some(1)))
    );
    assert_eq!(at("print case(true, 1, false, ^").unwrap().1, Some(1));
    assert_eq!(at("print strcat(tolower(^").unwrap().0, "tolower(text: scalar)");
    assert_eq!(at("print strcat(tolower('a'), ^").unwrap().1, Some(0));
    assert_eq!(
        at("let f = (x: long, y: string = 'a') { x }; print f(1, ^").unwrap().0,
        "f(x: long, [y: string])"
    );
    assert_eq!(at("_Im_Dns(^").unwrap().1, Some(0));
    assert_eq!(at("print (1 + ^"), None);
    assert_eq!(at("T | evaluate pivot(^").unwrap().1, Some(0));
}

/// What the first fix of the first diagnostic makes of a query.
#[track_caller]
fn mends(query: &str, expected: &[&str]) {
    let wrong = check(query, Catalog::built_in());
    let first = wrong.first().unwrap_or_else(|| panic!("{query} is fine"));
    let mended: Vec<String> = fixes(query, first).iter().map(|fix| fix.apply(query)).collect();
    assert_eq!(mended, expected, "{query}: {first:?}");
}

#[test]
fn mistakes_are_mended() {
    mends("SigninLog | take 1", &["SigninLogs | take 1"]);
    mends("SigninLogs | summarise count()", &["SigninLogs | summarize count()"]);
    mends("SigninLogs | project UserPrincipalNam", &["SigninLogs | project UserPrincipalName"]);
    mends("print tolowr('A')", &["print tolower('A')"]);
    mends("SigninLogs | where ResultType = 'x'", &["SigninLogs | where ResultType == 'x'"]);
    mends("SigninLogs | summarize makeset(Id)", &["SigninLogs | summarize make_set(Id)"]);
    mends("SigninLogs where Id == 'x'", &["SigninLogs | where Id == 'x'"]);
    mends("let a = 1\nlet b = 2; print a", &["let a = 1;\nlet b = 2; print a"]);
    mends(
        "SigninLogs | where ResultType > 0",
        &["SigninLogs | where tolong(ResultType) > 0", "SigninLogs | where ResultType > tostring(0)"],
    );
    mends("SecurityAlert | project Entities.x", &["SecurityAlert | project parse_json(Entities).x"]);
    mends(
        "SigninLogs | join (SigninLogs) on $left.Idd == $right.Id",
        &["SigninLogs | join (SigninLogs) on $left.Id == $right.Id"],
    );
    mends(
        "SigninLogs | summarize m = Id by ResultType",
        &["SigninLogs | summarize m = take_any(Id) by ResultType"],
    );
}

#[test]
fn syntax_and_names_are_checked_together() {
    let query = "Nope | where a == ; SigninLogs | where Gone == 1";
    let codes: Vec<&str> = check(query, Catalog::built_in()).iter().map(|wrong| wrong.code).collect();
    assert_eq!(codes, ["unknown-table", "unexpected-token"]);
    assert!(check("SigninLogs | where Id == 'x'", Catalog::built_in()).is_empty());
}
