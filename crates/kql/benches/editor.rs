//! How fast an editor is answered: `cargo bench -p castellan-kql --bench editor`, on a query of 200 lines.
#![allow(missing_docs)]

use castellan_kql::editor;
use castellan_kql::schema::Catalog;
use divan::Bencher;

fn main() {
    divan::main();
}

/// Twenty named pipelines of nine lines, and a query over them.
fn query() -> String {
    let part = |number: usize| {
        format!(
            "let part{number} = SigninLogs
| where TimeGenerated > ago({number}h)
| where ResultType != 0 and isnotempty(UserPrincipalName)
| extend domain = tolower(tostring(split(UserPrincipalName, '@')[1]))
| extend city = tostring(LocationDetails.city), os = tostring(DeviceDetail.operatingSystem)
| summarize failed = count(), cities = make_set(city, 100), last = max(TimeGenerated) by domain, IPAddress, os
| where failed > {number} and array_length(cities) > 1
| join kind=leftouter (SecurityEvent | where EventID == 4625 | summarize hosts = dcount(Computer) by IpAddress) \
on $left.IPAddress == $right.IpAddress
| project domain, IPAddress, os, failed, cities, last, hosts;
"
        )
    };
    let parts: String = (0..20).map(part).collect();
    format!("{parts}union part1, part2\n| where failed > 10\n| where ")
}

#[divan::bench]
fn complete(bencher: Bencher<'_, '_>) {
    let query = query();
    bencher.bench(|| editor::complete(divan::black_box(&query), query.len(), Catalog::built_in()));
}

#[divan::bench]
fn complete_at_start(bencher: Bencher<'_, '_>) {
    let query = query() + "true;\n";
    bencher.bench(|| editor::complete(divan::black_box(&query), query.len(), Catalog::built_in()));
}

#[divan::bench]
fn hover(bencher: Bencher<'_, '_>) {
    let query = query();
    let offset = query.rfind("failed").unwrap_or_default();
    bencher.bench(|| editor::hover(divan::black_box(&query), offset, Catalog::built_in()));
}

#[divan::bench]
fn check(bencher: Bencher<'_, '_>) {
    let query = query();
    bencher.bench(|| editor::check(divan::black_box(&query), Catalog::built_in()));
}

#[divan::bench]
fn classify(bencher: Bencher<'_, '_>) {
    let query = query();
    bencher.bench(|| editor::classify(divan::black_box(&query)));
}
