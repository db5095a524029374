//! Steps of our own, where the cases of the corpora do not reach: nulls, several batches, several partitions.

use castellan_kql::{ScalarType, Value};

use crate::both::{Data, check};

/// Arrays, bags, scalars and what is none of them; long and short, in the words of logs and in our own.
const TEXTS: &[&str] = &[
    r#"[1, 2.5, "three", null, {"a": {"b": [1]}}]"#,
    "",
    "null",
    "[]",
    "{}",
    r#" [ "a longer text than a view holds" , "with \"quotes\" and \u00e9 in a longer text" ] "#,
    r#"{"key": 1, "other key that is long": {"inner": [1, 2, 3]}, "key": 2, "none": null}"#,
    r#"{"key":1,"\u006bey":7,"q\"":"x"}"#,
    "7",
    "\"just a text\"",
    "no json at all, and long",
    "[1, 2",
    "[abc, 1]",
    r#"[{"a" 1}]"#,
    "[@d638674272000000000, @t36000000000, @g00112233445566778899aabbccddeeff, @nan, @-inf]",
    "[true, \"17\", \"1.5e3\", \"2026-11-21T10:00:00Z\", \"0x1f\", -9223372036854775808, 1e400]",
    "[[1, [2]], [], [null]]",
];

fn dynamics(partitions: usize) -> [Data; 1] {
    [Data::texts("T", TEXTS, partitions)]
}

#[tokio::test]
async fn items_become_rows() {
    for partitions in [1, 3] {
        let data = dynamics(partitions);
        for query in [
            "T | mv-expand d",
            "T | mv-expand d | project n",
            "T | mv-expand bagexpansion=array d",
            "T | mv-expand kind=array with_itemindex=i x = d",
            "T | mv-expand with_itemindex=i d limit 2 | where n != 0",
            "T | mv-expand d limit 0",
            "T | mv-expand d to typeof(string)",
            "T | mv-expand d to typeof(long)",
            "T | mv-expand d to typeof(real)",
            "T | mv-expand d to typeof(bool), e = d to typeof(string)",
            "T | mv-expand d to typeof(datetime), e = d to typeof(timespan), f = d to typeof(guid)",
            "T | mv-expand d to typeof(decimal)",
            "T | mv-expand x = d, y = d.key, z = d[1] | project-away d",
            "T | mv-expand d | mv-expand d | mv-expand d",
            "T | extend s = tostring(n), l = n * 2 | mv-expand with_itemindex=i s = d to typeof(string) | where l > 4 and i == 0",
            "T | where n < 0 | mv-expand d",
            "T | mv-expand d = d[0] | summarize count() by n",
        ] {
            check(&data, query).await;
        }
    }
}

#[tokio::test]
async fn items_keep_the_order_of_their_rows() {
    for partitions in [1, 3] {
        let data = dynamics(partitions);
        for query in [
            "T | sort by n desc | mv-expand with_itemindex=i d",
            "T | sort by n asc | mv-expand d | extend m = n + 1 | where m % 2 == 0",
            "T | sort by n asc | mv-expand d | take 7",
            "T | sort by n asc | extend o = -n | mv-expand d | mv-expand d | project o, d",
            "T | sort by n asc | mv-expand d | extend r = row_number()",
        ] {
            check(&data, query).await;
        }
    }
}

#[tokio::test]
async fn many_items_come_in_pieces() {
    let long = format!("[{}]", (0..20_000).map(|at| at.to_string()).collect::<Vec<_>>().join(","));
    let texts = [long.as_str(), "[1]", &long, "[]"];
    let data = [Data::texts("T", &texts, 2)];
    let rows =
        check(&data, "T | mv-expand with_itemindex=i d to typeof(long) | summarize sum(d), sum(i), count()")
            .await;
    assert_eq!(rows[0][2], Value::Long(40_001));
}

fn lines(partitions: usize) -> [Data; 1] {
    let texts = [
        "",
        "user=ann id=17 at https://a.example/path/x",
        "user=bob id=x at http://b.example/",
        "user=",
        "id=5",
        "user=\u{e9}\u{e8} id=-3 at ftp://c.example/a\nb",
        "https://a.example/",
        "user=a longer name than a view holds id=9 at ://x/y",
        "user=ann id=9223372036854775808 at https://long.example/with/a/path?and=more",
        "k1=v1, k2 = \"v 2\"; k3=3",
    ];
    let rows: Vec<Vec<Value>> = texts
        .iter()
        .enumerate()
        .map(|(at, text)| vec![Value::Long(at as i64), Value::string(*text), Value::Real(at as f64 / 2.0)])
        .collect();
    let columns = [("n", ScalarType::Long), ("s", ScalarType::String), ("r", ScalarType::Real)];
    [Data::new("T", &columns, &rows, partitions)]
}

#[tokio::test]
async fn texts_come_apart() {
    for partitions in [1, 3] {
        let data = lines(partitions);
        for query in [
            r#"T | parse s with * "://" Host "/" Path"#,
            r#"T | parse-where s with * "://" Host "/" Path | where n > 1 and Host != """#,
            r#"T | parse s with "user=" User " id=" Id:long " at " Url"#,
            r#"T | parse-where s with "user=" User " id=" Id:long " at " Url"#,
            r#"T | parse kind=relaxed s with "user=" User " id=" Id:long " at " Url"#,
            r#"T | parse-where kind=relaxed s with "user=" User " id=" Id:int * | project n, User, Id"#,
            r#"T | parse kind=regex s with "user=" User "[a-z ]+id=" Id:real " at " *"#,
            r#"T | parse kind=regex flags=i s with * "USER=" User "\\s""#,
            r#"T | parse s with * "id=" Id:long *"#,
            r#"T | parse s with A "=" B | parse B with B " " C"#,
            r#"T | parse s with s "=" *"#,
            r#"T | sort by n desc | parse s with * "://" Host "/" Path | project-away r"#,
            r#"T | sort by n desc | parse-where s with * "=" s | take 3"#,
            r#"T | parse-kv s as (user: string, id: long) with (pair_delimiter = " ", kv_delimiter = "=")"#,
            r#"T | parse-kv s as (k1: string, k2: string, k3: int)"#,
            r#"T | parse-kv s as (k1: string, k2: string) with (quote = '"', kv_delimiter = "=")"#,
            r#"T | parse-kv s as (user: string, id: real) with (regex = "([a-z]+)=([^ ]*)")"#,
            r#"T | where n > 100 | parse s with * "://" Host"#,
        ] {
            check(&data, query).await;
        }
    }
}

#[tokio::test]
async fn series_have_no_gaps() {
    let time = |text: &str| castellan_kql::value::parse_datetime(text).map_or(Value::Null, Value::DateTime);
    let rows: Vec<Vec<Value>> = [
        ("a", "2026-11-01T00:10:00Z", 5, 0.5),
        ("b", "2026-11-01T05:00:00Z", 7, 1.5),
        ("a", "2026-11-01T03:59:59Z", -5, 2.5),
        ("", "", 1, 0.0),
        ("a", "2026-11-01T00:20:00Z", 9, -0.0),
        ("\u{e9}\"", "2026-11-02T00:00:00Z", 9, f64::NAN),
        ("b", "2026-11-01T05:00:00Z", 7, 7.25),
    ]
    .into_iter()
    .map(|(key, at, number, real)| {
        let keys = [Value::string(key), time(at)];
        keys.into_iter()
            .chain([Value::Long(number), Value::Real(real), Value::TimeSpan(number * 600_000_000)])
            .collect()
    })
    .collect();
    let columns = [
        ("k", ScalarType::String),
        ("t", ScalarType::DateTime),
        ("n", ScalarType::Long),
        ("r", ScalarType::Real),
        ("s", ScalarType::TimeSpan),
    ];
    for partitions in [1, 3] {
        let data = [Data::new("T", &columns, &rows, partitions)];
        for query in [
            "T | make-series c = count() on t step 1h",
            "T | make-series c = count(), m = max(r) default = -1.5 on t step 1h by k",
            "T | make-series c = count() on t from datetime(2026-11-01) to datetime(2026-11-01T06:00) step 1h by k",
            "T | make-series c = count() on t from datetime(2026-10-31T23:30) to datetime(2026-11-01T06:00) step 50m by k, n",
            "T | make-series c = count() on t in range(datetime(2026-11-01), datetime(2026-11-01T06:00), 1h) by k",
            "T | make-series c = count() on t from datetime(2027-01-01) to datetime(2026-01-01) step 1h by k",
            "T | where n > 100 | make-series c = count() on t from datetime(2026-11-01) to datetime(2026-11-02) step 6h",
            "T | where n > 100 | make-series c = count() on t step 6h",
            "T | where n > 100 | make-series c = count() on t from datetime(2026-11-01) to datetime(2026-11-02) step 6h by k",
            "T | make-series l = make_list(k) default = dynamic(null), a = take_any(k) on n step 2 by t",
            "T | make-series s = sum(n), x = avg(r) on s step 1m by k",
            "T | make-series c = count() on r step 0.5 by k",
            "T | make-series c = count() on n step 3 by r",
            "T | make-series c = count() default = long(null) on n from -6 to 10 step 4",
        ] {
            check(&data, query).await;
        }
    }
}

#[tokio::test]
async fn joins_give_the_same_whichever_side_is_kept() {
    for partitions in [1, 3] {
        let data = lines(partitions);
        for query in [
            "T | join kind=inner (T | summarize c = count() by k = n % 3) on $left.n == $right.k",
            "T | summarize c = count() by k = n % 3 | join kind=inner (T) on $left.k == $right.n",
            "T | extend k = n % 3 | join kind=inner (T | summarize m = max(r) by k = n % 4 | where m > 1.0) on k",
            "T | distinct n, s | join (T | top 3 by n desc | extend n = n - 1) on n",
            "T | extend k = n % 2 | summarize any = take_any(k) by k | join kind=innerunique (T | where n < 0 | summarize count() by k = n) on k",
            "T | join kind=leftouter (T | summarize c = count() by n = n % 3) on n | sort by n asc",
        ] {
            check(&data, query).await;
        }
    }
}

#[tokio::test]
async fn a_plugin_sees_the_rows_that_its_columns_were_found_in() {
    for partitions in [1, 3] {
        let data = dynamics(partitions);
        for query in [
            "T | where gettype(d) == 'dictionary' | evaluate bag_unpack(d)",
            "T | extend g = strcat('g', n % 3) | evaluate pivot(g, count(), n)",
            "T | where gettype(d) == 'dictionary' | evaluate bag_unpack(d) | extend g = strcat('g', n % 2) | project n, g | evaluate pivot(g)",
        ] {
            check(&data, query).await;
        }
    }
}
