//! Azure Resource Graph: whole tables of a subscription in few requests.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::client::{ArmClient, Listing};
use super::failure::Refusal;

/// The API version that first has `authorizationScopeFilter` in general availability.
const API_VERSION: &str = "2022-10-01";
const PATH: &str = "/providers/Microsoft.ResourceGraph/resources";

/// The most rows that the service returns in a page.
const ROWS_PER_PAGE: u32 = 1000;

/// The most subscriptions that one request may name.
pub(super) const SUBSCRIPTIONS_PER_QUERY: usize = 1000;

/// One table and which of its rows are wanted.
#[derive(Debug)]
pub(super) struct Table {
    /// The table's name.
    pub(super) name: &'static str,
    /// The types that are wanted; empty for all.
    pub(super) types: &'static [&'static str],
    /// Also what is assigned above the subscriptions, which holds for them too.
    pub(super) inherited: bool,
    /// Only when compliance states are asked for: they outnumber the resources many times.
    pub(super) only_with_states: bool,
}

/// The tables that are read.
pub(super) static TABLES: &[Table] = &[
    Table { name: "resources", types: &[], inherited: false, only_with_states: false },
    Table { name: "resourcecontainers", types: &[], inherited: false, only_with_states: false },
    Table {
        name: "authorizationresources",
        types: &["Microsoft.Authorization/roleAssignments", "Microsoft.Authorization/roleDefinitions"],
        inherited: true,
        only_with_states: false,
    },
    Table {
        name: "policyresources",
        types: &[
            "Microsoft.Authorization/policyAssignments",
            "Microsoft.Authorization/policyDefinitions",
            "Microsoft.Authorization/policySetDefinitions",
            "Microsoft.Authorization/policyExemptions",
        ],
        inherited: true,
        only_with_states: false,
    },
    Table {
        name: "policyresources",
        types: &["Microsoft.PolicyInsights/policyStates"],
        inherited: false,
        only_with_states: true,
    },
];

impl Table {
    /// The query. Paging needs the id in every row and a fixed order.
    fn query(&self) -> String {
        if self.types.is_empty() {
            return format!("{} | order by id asc", self.name);
        }
        let types: Vec<String> = self.types.iter().map(|name| format!("'{name}'")).collect();
        format!("{} | where type in~ ({}) | order by id asc", self.name, types.join(", "))
    }

    /// The child types for which this table answers, below a subscription. `*` stands for every type that Resource
    /// Manager tracks.
    pub(super) fn answers_for(&self) -> &'static [&'static str] {
        match (self.name, self.types) {
            ("resources", _) => &["*"],
            (_, []) => &["Microsoft.Resources/subscriptions/resourceGroups"],
            (_, types) => types,
        }
    }
}

/// All rows of a table for some subscriptions.
pub(super) async fn rows(client: &ArmClient<'_>, table: &Table, subscriptions: &[String]) -> Listing {
    let mut listing = Listing::default();
    listing.refusal = pages(client, table, subscriptions, &mut listing.items).await.err();
    listing
}

async fn pages(
    client: &ArmClient<'_>,
    table: &Table,
    subscriptions: &[String],
    rows: &mut Vec<Value>,
) -> Result<(), Refusal> {
    let mut seen = HashSet::new();
    let mut skip_token: Option<String> = None;
    loop {
        let body = request(table, subscriptions, skip_token.as_deref());
        let mut page = client.post(PATH, API_VERSION, &body).await?;
        match page.get_mut("data") {
            Some(Value::Array(array)) => rows.append(array),
            _ => return Err(Refusal::answer("the answer of Resource Graph holds no `data` array")),
        }
        let next = page.get("$skipToken").and_then(Value::as_str).filter(|token| !token.is_empty());
        let Some(token) = next else { return check_whole(&page, rows.len()) };
        if !seen.insert(token.to_owned()) {
            return Err(Refusal::answer("Resource Graph keeps returning the same page token"));
        }
        client.check_bounds(seen.len(), rows.len())?;
        skip_token = Some(token.to_owned());
    }
}

fn request(table: &Table, subscriptions: &[String], skip_token: Option<&str>) -> Value {
    let mut options = Map::new();
    options.insert("resultFormat".to_owned(), Value::from("objectArray"));
    options.insert("$top".to_owned(), Value::from(ROWS_PER_PAGE));
    if table.inherited {
        options.insert("authorizationScopeFilter".to_owned(), Value::from("AtScopeAboveAndBelow"));
    }
    if let Some(token) = skip_token {
        options.insert("$skipToken".to_owned(), Value::from(token));
    }
    json!({"subscriptions": subscriptions, "query": table.query(), "options": options})
}

/// Without a token for more, the rows have to be all: Resource Graph can cut a result off and say so only in passing.
fn check_whole(last_page: &Value, rows: usize) -> Result<(), Refusal> {
    let truncated = last_page.get("resultTruncated");
    let is_truncated =
        truncated.and_then(Value::as_str).is_some_and(|word| word.eq_ignore_ascii_case("true"))
            || truncated.and_then(Value::as_bool).unwrap_or(false);
    let total = last_page.get("totalRecords").and_then(Value::as_u64).unwrap_or(0);
    let rows = u64::try_from(rows).unwrap_or(u64::MAX);
    if rows < total || (is_truncated && total == 0) {
        let of_total = if total > 0 { format!(" of {total}") } else { String::new() };
        return Err(Refusal::answer(format!("Resource Graph returned only {rows}{of_total} rows")));
    }
    Ok(())
}
