//! Plugins: examples of the Kusto documentation worked by hand, and what they leave open.

use crate::answers::{answer, refusal_within, texts};

/// Who was active on which day. Source: Kusto documentation, "`new_activity_metrics` plugin".
const USERS: &str = "let Users = datatable(Timestamp: datetime, users: dynamic) [
        datetime(2019-11-01), dynamic([0,2,3,4]), datetime(2019-11-02), dynamic([0,1,3,4,5]),
        datetime(2019-11-03), dynamic([0,2,4,5]), datetime(2019-11-04), dynamic([0,1,2,3]),
        datetime(2019-11-05), dynamic([0,1,2,3,4])]
    | mv-expand user = users to typeof(long) | extend even = user % 2 == 0; ";

/// The rows with days in place of times.
fn of_users(rest: &str) -> Vec<String> {
    let day = |row: String| row.replace("2019-11-0", "").replace("T00:00:00.0000000Z", "");
    texts(&format!("{USERS}{rest}")).into_iter().map(day).collect()
}

#[test]
fn cohorts_come_back() {
    let all = "Users | evaluate new_activity_metrics(user, Timestamp, datetime(2019-11-01), datetime(2019-11-06), 1d)";
    let expected = [
        "1|1|4|4|0|1.0|0.0",
        "1|2|2|3|1|0.75|0.25",
        "1|3|1|3|1|0.75|0.25",
        "1|4|1|3|1|0.75|0.25",
        "1|5|1|4|0|1.0|0.0",
        "1|6|0|0|4|0.0|1.0",
        "2|2|2|2|0|1.0|0.0",
        "2|3|0|1|1|0.5|0.5",
        "2|4|0|1|1|0.5|0.5",
        "2|5|0|1|1|0.5|0.5",
        "2|6|0|0|2|0.0|1.0",
    ];
    assert_eq!(of_users(all), expected);
    let known = "let known = print user = 0; Users
        | evaluate new_activity_metrics(user, Timestamp, datetime(2019-11-01), datetime(2019-11-02), 1d, datetime(2019-11-01), known)";
    let third = |row: &str| row.split('|').take(5).collect::<Vec<_>>().join("|");
    let rows: Vec<String> = of_users(known).iter().map(|row| third(row)).collect();
    assert_eq!(rows, ["1|1|3|3|0", "1|2|2|2|1"]);
}

#[test]
fn windows_are_held_against_the_one_before() {
    let metrics = "Users | evaluate activity_metrics(user, Timestamp, 1d)";
    assert_eq!(
        of_users(metrics),
        ["1|4|4|NaN|NaN", "2|5|2|0.75|0.25", "3|4|1|0.6|0.4", "4|4|2|0.5|0.5", "5|5|1|1.0|0.0"]
    );
    let part = "Users | evaluate activity_metrics(user, Timestamp, datetime(2019-11-04), datetime(2019-11-04), 1d, even)";
    let mut rows = of_users(part);
    rows.sort();
    assert_eq!(rows, ["4|False|2|2|NaN|NaN", "4|True|2|2|NaN|NaN"]);
    let engagement = "Users | evaluate activity_engagement(user, Timestamp, datetime(2019-11-02), datetime(2019-11-03), 1d, 2d)";
    assert_eq!(of_users(engagement), ["2|5|6|0.8333333333333334", "3|4|6|0.6666666666666666"]);
}

#[test]
fn windows_may_be_of_the_calendar() {
    let month = "datatable(t: datetime, who: string) [datetime(2024-01-31), 'a', datetime(2024-02-29), 'a', datetime(2024-02-01), 'b']
        | evaluate sliding_window_counts(who, t, datetime(2024-01-01), datetime(2024-03-31), 45d, 'month')";
    let rows = texts(month);
    assert_eq!(
        rows,
        [
            "2024-01-01T00:00:00.0000000Z|1|1",
            "2024-02-01T00:00:00.0000000Z|3|2",
            "2024-03-01T00:00:00.0000000Z|1|1"
        ]
    );
    let error = answer("print t = now(), w = 1 | evaluate activity_metrics(w, t, 'day')").err().unwrap();
    assert_eq!(error.code, "window");
    let error = answer("print t = now(), w = 1 | evaluate activity_metrics(w, t, 0d)").err().unwrap();
    assert_eq!(error.code, "window");
}

#[test]
fn windows_without_number_meet_the_limit() {
    let query = "print t = now(), w = 1
        | evaluate sliding_window_counts(w, t, datetime(2000-01-01), datetime(2030-01-01), 1d, 1tick)";
    assert_eq!(refusal_within(200_000, query), "too-many-rows");
}

#[test]
fn sessions_end_in_silence() {
    // Ids that come more often than every 41 have one session; of the others each time is one.
    let query = "range t from 1 to 200 step 1 | extend k = 1
        | join kind=inner (range id from 40 to 45 step 1 | extend k = 1) on k
        | where t % id == 0 | evaluate session_count(id, t, 1, 200, 100, 41)";
    // From 1 to 100: 40 and 41 once each, 42 to 45 twice each. From 101 to 200: the same two, and twice or thrice
    // (126 and 168; 129 and 172; 132 and 176; 135 and 180).
    assert_eq!(texts(query), ["1|10", "101|10"]);
}

#[test]
fn pivot_turns_values_to_columns() {
    let table = "datatable(State: string, Type: string, n: long)
        ['ALASKA', 'Wind', 1, 'ALABAMA', 'Wind', 2, 'ALABAMA', 'Hail', 3, '', 'Hail', 4, 'Type', 'Hail', 5] | ";
    let columns = |query: &str| -> Vec<String> {
        let answer = answer(&format!("{table}{query}")).ok().unwrap();
        answer.columns.iter().map(|column| format!("{}:{}", column.name, column.scalar_type)).collect()
    };
    let all = "evaluate pivot(State, sum(n))";
    let names = ["Type:string", "Column1:long", "ALABAMA:long", "ALASKA:long", "Type1:long"];
    assert_eq!(columns(all), names);
    assert_eq!(texts(&format!("{table}{all}")), ["Wind|0|2|1|0", "Hail|4|3|0|5"]);
    assert_eq!(columns("evaluate pivot(Type)"), ["State:string", "n:long", "Hail:long", "Wind:long"]);
    let keyed = "where n < 4 | evaluate pivot(State, max(n), Type) | project Type, none = isnull(ALASKA)";
    assert_eq!(texts(&format!("{table}{keyed}")), ["Wind|False", "Hail|True"]);
    let declared = "evaluate pivot(State, sum(n)): (Type: string, ALASKA: real, OHIO: long)";
    assert_eq!(texts(&format!("{table}{declared}")), ["Wind|1.0|0", "Hail|0.0|0"]);
    let many = "range x from 1 to 5000 step 1 | evaluate pivot(x)";
    assert_eq!(answer(many).err().unwrap().code, "too-many-columns");
}

#[test]
fn narrow_gives_a_row_for_each_cell() {
    let query = "datatable(a: long, b: string) [1, 'x', long(null), 'y'] | evaluate narrow()";
    assert_eq!(texts(query), ["0|a|1", "0|b|x", "1|a|", "1|b|y"]);
}

#[test]
fn schemas_merge() {
    // Source: Kusto documentation, "`schema_merge` plugin".
    let first = "let one = datatable(Uri: string, HttpStatus: int) [] | getschema; ";
    let appended = "let two = datatable(Uri: string, HttpStatus: int, Referrer: string) [] | getschema; ";
    let between = "let two = datatable(Uri: string, Referrer: string, HttpStatus: int) [] | getschema; ";
    let merge = |two: &str, options: &str| {
        texts(&format!("{first}{two}union one, two | evaluate schema_merge({options})"))
    };
    let (uri, referrer) = ("Uri|0|System.String|string", "Referrer|1|System.String|string");
    assert_eq!(
        merge(appended, ""),
        [uri, "HttpStatus|1|System.Int32|int", "Referrer|2|System.String|string"]
    );
    let out_of_order = "HttpStatus|-1|ERROR(unknown CSL type:ERROR(columns are out of order))|ERROR(columns are out of order)";
    assert_eq!(merge(between, ""), [uri, referrer, out_of_order]);
    assert_eq!(merge(between, "PreserveOrder = false"), [uri, referrer, "HttpStatus|2|System.Int32|int"]);
    let wider = "let two = datatable(Uri: string, HttpStatus: long) [] | getschema; ";
    assert_eq!(merge(wider, ""), [uri, "HttpStatus|1|System.Int64|long"]);
    let apart = "let two = datatable(Uri: string, HttpStatus: string) [] | getschema; ";
    assert!(merge(apart, "")[1].ends_with("|ERROR(no common type: int, string)"));
}

#[test]
fn rows_near_are_counted_on_both_sides() {
    let near = |options: &str| {
        texts(&format!("range x from 1 to 9 step 1 | evaluate rows_near(x % 7 == 3, {options})"))
    };
    assert_eq!(near("1"), ["2", "3", "4"]);
    assert_eq!(near("0, 2"), ["3", "4", "5"]);
    assert_eq!(near("2, 0"), ["1", "2", "3"]);
}

#[test]
fn percentiles_roll_within_their_dimension() {
    // Source: Kusto documentation, "`rolling_percentile` plugin".
    let query = "range i from 0 to 24 * 4 - 1 step 1
        | project Timestamp = datetime(2018-01-01) + 1h * i, val = i + 1
        | extend EvenOrOdd = iff(val % 2 == 0, 'Even', 'Odd')
        | evaluate rolling_percentile(val, 50, Timestamp, 1d, 3, EvenOrOdd)
        | project day = dayofmonth(Timestamp), EvenOrOdd, rolling_3_percentile_val_50 | order by EvenOrOdd asc, day asc";
    let expected =
        ["1|Even|12", "2|Even|24", "3|Even|36", "4|Even|60", "1|Odd|11", "2|Odd|23", "3|Odd|35", "4|Odd|59"];
    assert_eq!(texts(query), expected);
}

#[test]
fn sequences_keep_to_their_limits() {
    // After the documentation's example, "`sequence_detect` plugin": a heat is followed by each fire within five days.
    let events = "datatable(t: datetime, kind: string, State: string) [
            datetime(2007-05-08), 'heat', 'CA', datetime(2007-05-08), 'heat', 'CA', datetime(2007-05-08 16:02), 'fire', 'CA',
            datetime(2007-05-10 11:30), 'fire', 'CA', datetime(2007-05-10 11:30), 'fire', 'TX', datetime(2007-06-10), 'fire', 'CA'] | ";
    let pairs =
        "evaluate sequence_detect(t, 5d, 5d, heat = (kind == 'heat'), fire = (kind == 'fire'), State)";
    let expected = [
        "CA|2007-05-08T00:00:00.0000000Z|2007-05-08T16:02:00.0000000Z|16:02:00",
        "CA|2007-05-08T00:00:00.0000000Z|2007-05-10T11:30:00.0000000Z|2.11:30:00",
    ];
    assert_eq!(texts(&format!("{events}{pairs}")), expected);
    let found = answer(&format!("{events}{pairs}")).ok().unwrap();
    let names: Vec<&str> = found.columns.iter().map(|column| &*column.name).collect();
    assert_eq!(names, ["State", "heat_t", "fire_t", "Duration"]);
    let three = "evaluate sequence_detect(t, 2d, SPAN, kind == 'heat', kind == 'fire', kind == 'fire', State) | project Duration";
    assert_eq!(texts(&format!("{events}{}", three.replace("SPAN", "5d"))), ["2.11:30:00"]);
    assert_eq!(texts(&format!("{events}{}", three.replace("SPAN", "2d"))), [""; 0]);
}

#[test]
fn addresses_find_all_their_networks() {
    let tables = "let nets = datatable(net: string, zone: string, n: long)
            ['10.0.0.0/8', 'a', 1, '10.1.0.0/16', 'a', 2, '10.1.2.0/24', 'b', 3, '0.0.0.0/0', 'b', 4, 'nonsense', 'a', 5, '10.1.2.3', 'b', 6];
        let ips = datatable(ip: string, zone: string) ['10.1.2.3', 'a', '10.2.0.0/15', 'a', '8.8.8.8', 'b', '', 'a']; ips | ";
    let found = |query: &str| texts(&format!("{tables}{query}"));
    let all = found("evaluate ipv4_lookup(nets, ip, net) | project strcat(ip, ' ', n)");
    let expected = [
        "10.1.2.3 6",
        "10.1.2.3 3",
        "10.1.2.3 2",
        "10.1.2.3 1",
        "10.1.2.3 4",
        "10.2.0.0/15 1",
        "10.2.0.0/15 4",
        "8.8.8.8 4",
    ];
    assert_eq!(all, expected, "the smallest network first");
    let keyed = found("evaluate ipv4_lookup(nets, ip, net, zone) | project strcat(ip, ' ', n, zone1)");
    assert_eq!(keyed, ["10.1.2.3 2a", "10.1.2.3 1a", "10.2.0.0/15 1a", "8.8.8.8 4b"]);
    let kept = found(
        "evaluate ipv4_lookup(nets, ip, net, zone, return_unmatched = true) | summarize count(), countif(isnull(n))",
    );
    assert_eq!(kept, ["5|1"]);
    let wide = found("extend ip = '10.0.0.0/7' | take 1 | evaluate ipv4_lookup(nets, ip, net) | project n");
    assert_eq!(wide, ["6", "3", "2", "1", "4"], "over the shorter of two prefixes");
}

#[test]
fn addresses_of_version_6_are_looked_up() {
    let query = "let nets = datatable(net: string, n: long) ['2001:db8::/32', 1, '::ffff:10.0.0.0/104', 2, 'fe80::/10', 3];
        datatable(ip: string) ['2001:db8::1', '10.9.8.7', 'FE80::1', '::1'] | evaluate ipv6_lookup(nets, ip, net, true) | project ip, n";
    assert_eq!(texts(query), ["2001:db8::1|1", "10.9.8.7|2", "FE80::1|3", "::1|"]);
}

#[test]
fn places_find_their_shapes() {
    let tables = r#"let shapes = datatable(name: string, shape: dynamic) [
            "square", dynamic({"type": "Polygon", "coordinates": [[[0,0],[2,0],[2,2],[0,2],[0,0]]]}),
            "corner", dynamic({"type": "Polygon", "coordinates": [[[1,1],[3,1],[3,3],[1,3],[1,1]]]}), "none", dynamic({})];
        let line = datatable(road: dynamic) [dynamic({"type": "LineString", "coordinates": [[0,0],[0,2]]})];
        datatable(x: real, y: real) [1.5, 1.5, 0.5, 0.5, -0.001, 1.0, real(null), 1.0] | "#;
    let found = |query: &str| texts(&format!("{tables}{query}"));
    let held = found("evaluate geo_polygon_lookup(shapes, shape, x, y)");
    assert_eq!(held, ["1.5|1.5|square", "1.5|1.5|corner", "0.5|0.5|square"]);
    let near = found(
        "evaluate geo_polygon_lookup(shapes, shape, x, y, radius = 200, return_unmatched = true) | where x < 0 or isnull(x)",
    );
    assert_eq!(near, ["-0.001|1.0|square", "|1.0|"]);
    let beside = found(
        "evaluate geo_line_lookup(line, road, x, y, 200, return_lookup_key = true) | project x, road.type",
    );
    assert_eq!(beside, ["-0.001|LineString"]);
}

#[test]
fn sketches_intersect() {
    let query = "range x from 1 to 1000 step 1
        | summarize a = hll(x), b = hll(iff(x % 2 == 0, x, 0)), c = hll(iff(x % 5 == 0, x, 0)), d = hll(iff(x > 2000, x, -1))
        | extend wrong = dynamic({})
        | evaluate dcount_intersect(a, b, c, d, wrong) | project a = round(s0 / 50.0), b = round(s1 / 50.0), c = round(s2 / 50.0), d = round(s3 / 50.0), e = s4";
    assert_eq!(texts(query), ["20.0|10.0|2.0|0.0|"], "within the fifties of an estimate");
}

#[test]
fn texts_are_reduced_to_patterns() {
    // Source: Kusto documentation, "reduce operator".
    let reduced = |text: &str, options: &str| {
        texts(&format!("range x from 1 to 1000 step 1 | project t = {text} | reduce by t {options}"))
    };
    let machines = "strcat('MachineLearningX', x % 10)";
    let alike = reduced(machines, "with threshold=0.001, characters='X'");
    assert_eq!(alike, ["MachineLearning*|1000|MachineLearningX1"]);
    let apart = reduced(machines, "with threshold=0.9, characters='X'");
    assert_eq!(apart.len(), 10);
    assert!(apart.iter().all(|row| row.starts_with("MachineLearning*|100|")), "{apart:?}");
    assert_eq!(reduced("strcat('fooZ', x)", ""), ["others|1000|"]);
    let sessions =
        "strcat('user-', x % 7, ' ended: ', iff(x % 3 == 0, 'timeout', 'logout'), ' (', x, ' ms)')";
    assert_eq!(reduced(sessions, ""), ["user-* ended: * (* ms)|1000|user-1 ended: logout (1 ms)"]);
    let cities = "datatable(t: string) ['San Jose', 'San Bernard', 'Saint Lucy', 'Saint Kitts', 'Moscow', 'Moscow', 'Paris',
        'One -on- One', 'Two -on- One', 'Two -on- Tea', '', ''] | reduce by t";
    let expected = [
        "* -on- *|3|One -on- One",
        "San *|2|San Jose",
        "Saint *|2|Saint Lucy",
        "Moscow|2|Moscow",
        "|2|",
        "others|1|",
    ];
    assert_eq!(texts(cities), expected);
    let error = answer("print t = 'a' | reduce kind=source by t").err().unwrap();
    assert_eq!(error.code, "unsupported");
}

/// Failures of one kind, failures of another, and noise.
const EVENTS: &str = "range i from 0 to 999 step 1
    | extend city = case(i < 300, 'Oslo', i % 5 == 0, 'Rome', strcat('c', i % 97)),
        kind = case(i < 300, 'disk', i < 600, 'net', 'other'), failed = i < 300 or i % 10 == 0, n = i % 3
    | project-away i | ";

#[test]
fn baskets_are_closed_and_frequent() {
    // Every combination that 20 % of the rows have: `Oslo` never without `disk` and `failed`, so not alone either.
    let rows = texts(&format!("{EVENTS}project city, kind, failed | evaluate basket(0.2)"));
    let expected = [
        "0|630|63.0|||False",
        "1|400|40.0||other|",
        "2|370|37.0|||True",
        "3|360|36.0||other|False",
        "4|300|30.0|Oslo|disk|True",
        "5|300|30.0||net|",
        "6|270|27.0||net|False",
    ];
    assert_eq!(rows, expected);
    let one = texts(&format!("{EVENTS}project city, kind, failed | evaluate basket(0.2, '~', 1, '*')"));
    assert_eq!(one.len(), 5, "with one value chosen");
    assert_eq!(one[4], "4|300|30.0|*|net|");
    let heavy = texts(&format!(
        "{EVENTS}project city, kind, w = iff(kind == 'disk', 0, 1) | evaluate basket(0.5, w) | project Count, kind, w"
    ));
    assert_eq!(heavy, ["400|other|"]);
}

#[test]
fn clusters_are_few_and_cover_much() {
    let rows = texts(&format!("{EVENTS}project city, kind, failed | evaluate autocluster()"));
    assert_eq!(rows[0], "0|300|30.0|Oslo|disk|True");
    assert!(rows.len() <= 4, "{rows:#?}");
    let marked = texts(&format!(
        "{EVENTS}project city, kind | evaluate autocluster(0.9, '~', '~', '*') | project city, kind"
    ));
    assert!(marked.iter().all(|row| !row.starts_with('|') && !row.ends_with('|')), "{marked:?}");
    assert_eq!(texts("datatable(a: string) [] | evaluate autocluster()"), [""; 0]);
}

#[test]
fn differences_are_the_greatest_of_their_kind() {
    let rows = texts(&format!(
        "{EVENTS}project city, kind, failed | evaluate diffpatterns(failed, 'True', 'False')"
    ));
    let expected = [
        "0|300|0|81.08|0.0|81.08|Oslo|disk",
        "1|40|360|10.81|57.14|46.33||other",
        "2|30|270|8.11|42.86|34.75||net",
    ];
    assert_eq!(rows[..3], expected, "{rows:#?}");
}

#[test]
fn wide_tables_meet_the_limit() {
    let columns: Vec<String> = (0..40).map(|at| format!("c{at} = iff(rand() > 0.2, 'x', 'y')")).collect();
    let query = format!(
        "range i from 1 to 300 step 1 | project {} | evaluate basket(0.1, '~', 40)",
        columns.join(", ")
    );
    assert_eq!(refusal_within(200_000, &query), "too-many-rows");
}
