//! Every statement and tabular operator with its clauses: what is read is shown by what is printed.

use castellan_kql::parse;

/// What the query prints as, on one line.
fn check(query: &str, expected: &str) {
    let parsed = parse(query);
    assert!(parsed.diagnostics.is_empty(), "{query}: {:?}", parsed.diagnostics);
    let lines: Vec<String> = parsed.script.to_string().lines().map(|line| line.trim().to_owned()).collect();
    assert_eq!(lines.join(" "), expected);
    assert_eq!(crate::print::difference(query), None, "{query}");
}

#[test]
fn forms_that_print_as_written() {
    for query in [
        r#"find where a has "x" project-away b, c*"#,
        r#"search "a" and "b""#,
        r#"search * has "x""#,
        r#"search in (A, B) a matches regex "x""#,
        r#"search "a*b""#,
        r#"T | search "x""#,
        "union *",
        "T | top-hitters 2 of x by y",
        "T | top-hitters 2 of x",
        "T | make-series kind=nonempty count() on t step 1d",
        r#"T | reduce by x with threshold=0.1, characters="@""#,
        "T | reduce kind=source by x",
        "T | render barchart",
        r#"evaluate hint.distribution=per_node plugin(T, "a")"#,
        "T | evaluate pivot(x, count(), a)",
        r#"T | invoke database("x").f()"#,
        "T | as hint.materialized=true X",
        "T | as X | join X on a",
        "T | facet by a",
        r#"T | parse x with a "b" *"#,
        "T | mv-expand bagexpansion=array a",
        "T | join U on a",
        "T | join kind=inner f(1) on a",
        "T | lookup kind=leftouter U on a",
        "range x from 1 to 5 step 1 | extend y = x",
        "range t from ago(1d) to now() step 1h",
        "T | make-graph a --> b with N on id",
        "T | make-graph a --> b with_node_id=nid",
        "T | make-graph x --> y with N1 on i, N2 on j",
        "G | graph-match cycles=none (a)-[e*1..3]->(b)<-[f]-(c)--(d) where a.x == 1 and all(e, y > 1) project a.x, n = b.y",
        "G | graph-shortest-paths output=all (a)-[e*1..3]->(b) where a.x == 1 project x = a.y",
        "G | graph-mark-components kind=weak with_component_id=c",
        "G | graph-to-table nodes as N with_node_id=id, edges as E with_source_id=s with_target_id=t",
        "G | graph-to-table edges",
        "G | graph-where-nodes x == 1",
        r#"G | graph-where-edges y has "a""#,
        r#"graph("g") | graph-match (a)-->(b) project a"#,
        r#"graph("g", "snap") | count"#,
        "T | getschema kind=csl",
        "T | count as c",
        r#"T | project-by-names "a", dynamic(["b"]), b*"#,
        "T | project-reorder a desc, b* granny-asc, *, c",
        "T | project-away a*, b, *c",
        "T | project-keep a*b",
        "T | sort by a asc nulls first, b desc, c",
        "T | sample 5",
        "T | sample-distinct 5 of x",
        "T | serialize",
        r#"alias database ["x y"] = cluster("c").database("d"); database("x y").T"#,
        "restrict access to (database().*, a*, b); T",
        "let f = () { let x = 1; T | where a == x }; f()",
        "let x = 5d; let y = T | where a > x; y",
        r#"T | where * has "x" and * == "y""#,
        "T | summarize (t, n) = arg_max(TimeGenerated, Name) by x",
        r#"cluster("c").database("d").T | take 1"#,
        r#"workspace("x").T"#,
        r#"app("x").requests"#,
        r#"database("d").["my table"]"#,
        r#"["my table"] | count"#,
        r#"external_table("x") | take 1"#,
        "T | summarize by x",
        "T | summarize hint.strategy=shuffle hint.num_partitions=10 count(), dcount(a, 4) by x, bin(t, 1h)",
        "T | summarize percentiles(x, 5, 95), take_any(*), arg_max(t, *)",
        "T | distinct *",
        "T | distinct hint.strategy=shuffle a, b",
        "T | consume",
        "T | consume decodeblocks=true",
        "T | project",
        r#"T | where a has_all ("x", "y") or not(b) or a !has "x" or a !hasprefix "y" or a hassuffix_cs "z""#,
        r#"T | where a contains_cs "b" or a !endswith_cs "b""#,
        r#"T | where a startswith "b" == false"#,
        r#"T | extend x = iff(a > 1, "b", "c"), y = -a, z = +b, w = a % 2"#,
        "T | where a > 1d and b < 2h + 30m",
        "T | top 5 by a desc nulls last",
        "T | top 5 by bin(a, 1)",
        "T | where not(a) and a !in (1)",
        "T | project $left, x = $right.y",
        "T; U",
        r#"T | where a matches regex @"\d+""#,
        r#"T | evaluate autocluster(0.5, "~", "*")"#,
        "T | mv-expand a, b",
        "T | summarize x = make_set(a, 10), makelist(b), any(c), dcountif(d, e > 1)",
        "let t = typeof(string); T",
        "T | where a in (toscalar(U), 1)",
    ] {
        check(query, query);
    }
}

#[test]
fn forms_that_print_in_todays_spelling() {
    for (query, expected) in [
        (
            "find in (T, U*) where a == 1 project a, b:string, pack(*)",
            "find in (T, U*) where a == 1 project a, b: string, pack(*)",
        ),
        (
            r#"find withsource=src in (T, database("d").*) where * has "a" project-smart"#,
            r#"find withsource=src in (T, database("d").*) where * has "a""#,
        ),
        (r#"find "abc""#, r#"find where "abc""#),
        (
            r#"search kind=case_sensitive in (T*, U) "x" or a:"b" and c == 1"#,
            r#"search kind=case_sensitive in (T*, U) "x" or a : "b" and c == 1"#,
        ),
        (
            r#"union withsource=Src kind=outer isfuzzy=true A, B*, database("x").T*, cluster("c").database("*").T*, (T | where a)"#,
            r#"union withsource=Src kind=outer isfuzzy=true A, B*, database("x").T*, cluster("c").database("*").T*, ( T | where a )"#,
        ),
        ("union T*_CL, (print 1)", "union T*_CL, ( print 1 )"),
        ("T | union kind=inner (U)", "T | union kind=inner U"),
        (
            "T | partition hint.strategy=native by x (top 1 by y)",
            "T | partition hint.strategy=native by x ( top 1 by y )",
        ),
        ("T | partition by x { T | where y == x }", "T | partition by x ( T | where y == x )"),
        (
            "T | partition hint.concurrency=2 by x in (dynamic([1,2])) (where y == x | count)",
            "T | partition hint.concurrency=2 by x in (dynamic([1, 2])) ( where y == x | count )",
        ),
        (
            r#"T | scan declare (a:long=0, b:string) with (step s1 output=none: x == 1 => a = 1, b = "c"; step s2 optional: s1.a > 1;)"#,
            r#"T | scan declare (a: long = 0, b: string) with ( step s1 output=none: x == 1 => a = 1, b = "c"; step s2 optional: s1.a > 1; )"#,
        ),
        (
            "T | scan with_match_id=m order by t asc partition by k with (step s: true => a = s.a + 1;)",
            "T | scan with_match_id=m order by t asc partition by k with ( step s: true => a = s.a + 1; )",
        ),
        (
            r#"T | top-nested 2 of x with others="o" by sum(y), top-nested 3 of z by count() desc"#,
            r#"T | top-nested 2 of x with others = "o" by sum(y), top-nested 3 of z by count() desc"#,
        ),
        (
            "T | top-nested of x by ignore=max(1), top-nested 2 of bin(t, 1d) by c = count()",
            "T | top-nested of x by ignore = max(1), top-nested 2 of bin(t, 1d) by c = count()",
        ),
        (
            "T | make-series n=count() default=0, avg(x) on t from ago(1d) to now() step 1h by a, b",
            "T | make-series n = count() default = 0, avg(x) on t from ago(1d) to now() step 1h by a, b",
        ),
        (
            "T | make-series n=count() on t in range(ago(1d), now(), 1h) by a",
            "T | make-series n = count() on t in range(ago(1d), now(), 1h) by a",
        ),
        (
            r#"T | render timechart with (title="x", ycolumns=a,b, ysplit=axes)"#,
            r#"T | render timechart with (title="x", ycolumns=a, b, ysplit=axes)"#,
        ),
        (
            r#"T | render timechart kind=stacked title="x""#,
            r#"T | render timechart with (kind=stacked, title="x")"#,
        ),
        ("T | render timechart by a", "T | render timechart with (by=a)"),
        ("T | render table with (title='a')", r#"T | render table with (title="a")"#),
        (
            "T | evaluate bag_unpack(d, columnsConflict='keep_source') : (*, a:string)",
            r#"T | evaluate bag_unpack(d, columnsConflict = "keep_source") : (*, a: string)"#,
        ),
        (
            "T | evaluate python(typeof(*, y:long), 'code', dynamic({'a':1}))",
            r#"T | evaluate python(typeof(*, y: long), "code", dynamic({"a": 1}))"#,
        ),
        ("T | invoke f(a, b=1)", "T | invoke f(a, b = 1)"),
        (
            r#"externaldata(a:string, b:long)[h@"https://x" h@";sas"] with(format="csv", ignoreFirstRecord=true)"#,
            r#"externaldata (a: string, b: long) ["https://x;sas"] with (format="csv", ignoreFirstRecord=true)"#,
        ),
        (
            "externaldata (a:string) [ @'https://a', 'https://b' ] with (format=csv)",
            r#"externaldata (a: string) ["https://a", "https://b"] with (format=csv)"#,
        ),
        ("(externaldata(a:string)['u']) | where a", r#"( externaldata (a: string) ["u"] ) | where a"#),
        ("T | facet by a, b with (take 5)", "T | facet by a, b with ( take 5 )"),
        ("T | facet by a with take 5", "T | facet by a with ( take 5 )"),
        (
            "T | fork (take 5) x=(count) (where a | project b)",
            "T | fork ( take 5 ) x = ( count ) ( where a | project b )",
        ),
        (
            r#"T | parse kind=regex flags=Ui x with * "a" b:long * "c" d"#,
            r#"T | parse kind=regex flags=Ui x with * "a" b: long * "c" d"#,
        ),
        (
            r#"T | parse x with "a" b:real "c" d:date "e""#,
            r#"T | parse x with "a" b: real "c" d: datetime "e""#,
        ),
        (
            "T | parse-where kind=relaxed x with * 'a=' a:int ',' *",
            r#"T | parse-where kind=relaxed x with * "a=" a: int "," *"#,
        ),
        (
            r#"T | parse-kv x as (a:string, ['b c']:long) with (pair_delimiter=' ', kv_delimiter='=', quote='"', escape='\\', greedy=true)"#,
            r#"T | parse-kv x as (a: string, ["b c"]: long) with (pair_delimiter=" ", kv_delimiter="=", quote="\"", escape=@"\", greedy=true)"#,
        ),
        (
            r#"T | parse-kv x as (a:string) with (regex=@"(\w+)=(\w+)")"#,
            r#"T | parse-kv x as (a: string) with (regex=@"(\w+)=(\w+)")"#,
        ),
        (
            "T | mv-expand kind=array with_itemindex=i a to typeof(string), b=c to typeof(long) limit 10",
            "T | mv-expand kind=array with_itemindex=i a to typeof(string), b = c to typeof(long) limit 10",
        ),
        ("T | mvexpand a limit 5", "T | mv-expand a limit 5"),
        (
            "T | mv-apply x=y to typeof(long), z on (top 1 by x)",
            "T | mv-apply x = y to typeof(long), z on ( top 1 by x )",
        ),
        (
            r#"T | mv-apply with_itemindex=i e=x to typeof(string) limit 7 on (where e has "a" | summarize make_list(e))"#,
            r#"T | mv-apply with_itemindex=i e = x to typeof(string) limit 7 on ( where e has "a" | summarize make_list(e) )"#,
        ),
        ("T | mv-apply x on (summarize a = max(x))", "T | mv-apply x on ( summarize a = max(x) )"),
        (
            "T | join kind=leftanti hint.remote=left U on $left.a==$right.b and $left.c == $right.d, e",
            "T | join kind=leftanti hint.remote=left U on $left.a == $right.b and $left.c == $right.d, e",
        ),
        ("T | join kind = inner (U | project a) on a", "T | join kind=inner ( U | project a ) on a"),
        (
            "T | join hint.strategy = broadcast kind=innerunique(U) on a",
            "T | join hint.strategy=broadcast kind=innerunique U on a",
        ),
        ("T | join kind=fullouter database('d').U on a", r#"T | join kind=fullouter database("d").U on a"#),
        (
            "datatable(a:int, b:dynamic)[1, dynamic([1]), -2, dynamic(null),]",
            "datatable (a: int, b: dynamic) [ 1, dynamic([1]), -2, dynamic(null) ]",
        ),
        ("datatable(a:string)[]", "datatable (a: string) [  ]"),
        ("datatable(a:string)[\n, \"x\"\n, \"y\"]", r#"datatable (a: string) [ "x", "y" ]"#),
        (r#"print a=1, 2, b="c""#, r#"print a = 1, 2, b = "c""#),
        ("T | make-graph x -- y with (N | where z) on i", "T | make-graph x -- y with ( N | where z ) on i"),
        (
            "T | make-graph x --> y with N on i partitioned-by p (graph-match (a)-[e]->(b) project a.x)",
            "T | make-graph x --> y with N on i partitioned-by p ( graph-match (a)-[e]->(b) project a.x )",
        ),
        (
            "G | graph-match (a)-[e]->(b), (b)-->(c)-[]->(d)<--(z)-[g]-(h) project a.id",
            "G | graph-match (a)-[e]->(b), (b)-->(c)-->(d)<--(z)-[g]-(h) project a.id",
        ),
        (
            "let G = entity_group [cluster('a').database('b'), cluster('c').database('d')]; macro-expand isfuzzy=true G as X (X.T | count)",
            r#"let G = entity_group [cluster("a").database("b"), cluster("c").database("d")]; macro-expand isfuzzy=true G as X ( X.T | count )"#,
        ),
        (
            "macro-expand entity_group [database('b')] as X (let y = 1; X.T | where a == y | extend c = X.$current_database)",
            r#"macro-expand entity_group [database("b")] as X ( let y = 1; X.T | where a == y | extend c = X.$current_database )"#,
        ),
        ("let T = materialize(U | where a); T", "let T = materialize( U | where a ); T"),
        (
            "let x = toscalar(T | summarize max(a)); print x",
            "let x = toscalar( T | summarize max(a) ); print x",
        ),
        ("T | where a == toscalar(U | count)", "T | where a == toscalar( U | count )"),
        ("T | assert-schema (a:long, *)", "T | assert-schema (a: long, *)"),
        ("T | project-rename a=b, c=d", "T | project-rename a = b, c = d"),
        ("T | order by a nulls last", "T | sort by a nulls last"),
        ("T | serialize rn=row_number()", "T | serialize rn = row_number()"),
        (
            "set querytrace; set notruncation=true; set truncationmaxrecords = 100; T",
            "set querytrace; set notruncation = true; set truncationmaxrecords = 100; T",
        ),
        (
            "declare query_parameters(a:long=10, b:string); T | where x == a",
            "declare query_parameters (a: long = 10, b: string); T | where x == a",
        ),
        (r#"declare pattern app; app("x").["y"] | count"#, r#"declare pattern app; app("x").y | count"#),
        (
            r#"declare pattern app = (applicationId:string)[eventType:string] { ("a").["x"] = { T | where a }; ("b").["y"] = { U }; }; app("a").["x"]"#,
            r#"declare pattern app = (applicationId: string)[eventType: string] { ("a").["x"] = { T | where a }; ("b").["y"] = { U }; }; app("a").x"#,
        ),
        (
            r#"declare pattern app = (applicationId:string) { ("a") = { T } }; app("a")"#,
            r#"declare pattern app = (applicationId: string) { ("a") = { T }; }; app("a")"#,
        ),
        ("let f = view () {T}; union f*", "let f = view () { T }; union f*"),
        (
            r#"let f = (T:(a:string, *), x:long = 5, y:dynamic = dynamic(null)) { T | where a has "x" }; f(T, 1)"#,
            r#"let f = (T: (a: string, *), x: long = 5, y: dynamic = dynamic(null)) { T | where a has "x" }; f(T, 1)"#,
        ),
        ("let f = (T:(*)) { T }; f(U)", "let f = (T: (*)) { T }; f(U)"),
        ("let f = (a:int) { a + 1 }; print f(1)", "let f = (a: int) { a + 1 }; print f(1)"),
        (r#"let f = (x:string) { print x; }; f("a")"#, r#"let f = (x: string) { print x }; f("a")"#),
        (
            r#"T | where a in~ ("x") and b has_any (dyn) and c !in ((U | project z)) and d in (U)"#,
            r#"T | where a in~ ("x") and b has_any (dyn) and c !in ( U | project z ) and d in (U)"#,
        ),
        (r#"T | where a in ("x", "y",)"#, r#"T | where a in ("x", "y")"#),
        (
            r#"T | project a.b, a["b"], a.["b c"], a[0], a.[0], a['b'].c"#,
            r#"T | project a.b, a["b"], a.["b c"], a[0], a[0], a["b"].c"#,
        ),
        ("T | extend (a, b) = f(x), ['c d'] = 1", r#"T | extend (a, b) = f(x), ["c d"] = 1"#),
        ("cluster('c').database('d').f(1)", r#"cluster("c").database("d").f(1)"#),
        (
            "T | where t between(ago(1d)..now()) and x between (1..2) and y !between (1.5 .. 2.5)",
            "T | where t between (ago(1d) .. now()) and x between (1 .. 2) and y !between (1.5 .. 2.5)",
        ),
        (
            "T | where t between (datetime(2020-01-01) .. 7d)",
            "T | where t between (datetime(2020-01-01T00:00:00.0000000Z) .. 7d)",
        ),
        (
            "T | summarize hint.shufflekey = a hint.shufflekey = b count() by a, b",
            "T | summarize hint.shufflekey=a hint.shufflekey=b count() by a, b",
        ),
        ("T | limit 5", "T | take 5"),
        ("T | filter a > 1", "T | where a > 1"),
        ("T | where a=~'b' or a!~'c'", r#"T | where a =~ "b" or a !~ "c""#),
        ("T | where a<>1 and b!=2 and c<=3", "T | where a != 1 and b != 2 and c <= 3"),
        ("print 1 // comment", "print 1"),
        (
            "T | extend a = parse_json(b).c.d[0]['e'] | where isnotempty(a)",
            r#"T | extend a = parse_json(b).c.d[0]["e"] | where isnotempty(a)"#,
        ),
        (
            r#"T | where a.b.c == "d" and tostring(a.b) == 'x'"#,
            r#"T | where a.b.c == "d" and tostring(a.b) == "x""#,
        ),
        (
            r#"T | extend d = dynamic({"a": 1, "b": [1,2,{"c": null}]})"#,
            r#"T | extend d = dynamic({"a": 1, "b": [1, 2, {"c": null}]})"#,
        ),
        ("let a = 1; let b = a + 1;", "let a = 1; let b = a + 1"),
        ("T | project ['a b'] = c, d = ['e f']", r#"T | project ["a b"] = c, d = ["e f"]"#),
        ("T | extend ['time'] = 1, type = 2", "T | extend time = 1, type = 2"),
        ("T | where 5MinBin == 1", "T | where 5MinBin == 1"),
        ("T | join (U) on $left.['a b'] == $right.['c']", r#"T | join U on $left.["a b"] == $right.c"#),
        ("T | extend a = @'x' 'y'", r#"T | extend a = "xy""#),
        (
            r#"T | where a has "x" and (b or c) and (d in (1))"#,
            r#"T | where a has "x" and (b or c) and d in (1)"#,
        ),
        (
            "T | extend x = datetime_diff('day', now(), t), y = 2h / 1m",
            r#"T | extend x = datetime_diff("day", now(), t), y = 2h / 1m"#,
        ),
        (
            "T | extend x = time(1d), y = datetime(null), z = guid(null)",
            "T | extend x = 1d, y = datetime(null), z = guid(null)",
        ),
        ("T | project-away", "T | project-away"),
    ] {
        check(query, expected);
    }
}
