//! One resource as the REST API returns it, whichever interface it came from.

use castellan_base::ResourceId;
use serde_json::{Map, Value};

use super::catalogue::{self, ChildList};

/// Columns that Resource Graph adds to what Resource Manager returns.
const GRAPH_COLUMNS: [&str; 3] = ["tenantId", "resourceGroup", "subscriptionId"];

/// The id of an item and the item in the shape of a GET: `id`, `name` (the last segment) and `type` first, no members
/// that are null. `listed` says below which parent the item was listed, for the few APIs that leave the id out.
/// `None` when the item is no resource.
pub(super) fn normalise(
    item: Value,
    listed: Option<(&ResourceId, &ChildList)>,
) -> Option<(ResourceId, Value)> {
    let Value::Object(members) = item else { return None };
    let id = id_of(&members, listed)?;
    let derived_type = id.resource_type();
    let resource_type = catalogue::spelling(&derived_type).map_or(derived_type, str::to_owned);
    let is_subscription = resource_type.eq_ignore_ascii_case("Microsoft.Resources/subscriptions");
    let mut body = Map::new();
    body.insert("id".to_owned(), Value::from(id.as_str()));
    body.insert("name".to_owned(), Value::from(id.name()));
    body.insert("type".to_owned(), Value::from(resource_type));
    for (key, value) in members {
        let is_empty = value.is_null() || (key == "managedBy" && value == "");
        let is_column = !is_subscription && GRAPH_COLUMNS.contains(&key.as_str());
        if !is_empty && !is_column && !body.contains_key(&key) {
            body.insert(key, value);
        }
    }
    Some((id, Value::Object(body)))
}

fn id_of(members: &Map<String, Value>, listed: Option<(&ResourceId, &ChildList)>) -> Option<ResourceId> {
    if let Some(text) = members.get("id").and_then(Value::as_str) {
        let lower = text.to_ascii_lowercase();
        let is_azure = lower.starts_with("/subscriptions/") || lower.starts_with("/providers/");
        return if is_azure { text.parse().ok() } else { None };
    }
    let (parent, list) = listed?;
    let base = format!("{}/{}", parent.as_str().trim_end_matches('/'), list.path);
    let is_single = list.path.split('/').count() % 2 == 0 && !list.path.starts_with("providers/");
    if is_single {
        return base.parse().ok();
    }
    let name = members.get("name").and_then(Value::as_str)?;
    let last = name.rsplit('/').next().filter(|last| !last.is_empty())?;
    format!("{base}/{last}").parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    proptest! {
        #[test]
        fn whatever_is_kept_has_an_id_and_a_type(id in "(/subscriptions/|/providers/)?[a-zA-Z0-9./{} %?#-]{0,60}") {
            if let Some((kept, body)) = normalise(json!({"id": id, "properties": {}}), None) {
                prop_assert_eq!(body["id"].as_str(), Some(kept.as_str()));
                prop_assert!(body["type"].as_str().is_some_and(|name| !name.is_empty()));
            }
        }
    }

    #[test]
    fn a_graph_row_becomes_a_resource() {
        let row = json!({
            "id": "/subscriptions/s/resourceGroups/rg/providers/microsoft.cognitiveservices/accounts/Ai",
            "name": "Ai", "type": "microsoft.cognitiveservices/accounts", "tenantId": "t", "resourceGroup": "rg",
            "subscriptionId": "s", "kind": "OpenAI", "plan": null, "managedBy": "", "properties": {"a": null},
        });
        let (id, body) = normalise(row, None).unwrap();
        assert_eq!(id.name(), "Ai");
        let expected = json!({
            "id": id.as_str(), "name": "Ai", "type": "Microsoft.CognitiveServices/accounts", "kind": "OpenAI",
            "properties": {"a": null},
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn a_child_without_an_id_gets_one() {
        let parent: ResourceId =
            "/subscriptions/s/providers/Microsoft.Search/searchServices/x".parse().unwrap();
        let list = catalogue::child_lists("Microsoft.Search/searchServices")
            .find(|list| list.path.ends_with("diagnosticSettings"))
            .unwrap();
        let (id, body) =
            normalise(json!({"name": "x/all", "properties": {}}), Some((&parent, list))).unwrap();
        assert_eq!(id.resource_type(), "Microsoft.Insights/diagnosticSettings");
        assert_eq!(body["name"], "all");
        for wrong in [json!(1), json!({}), json!({"id": "x"}), json!({"name": ""}), json!({"id": "/other/x"})]
        {
            assert!(normalise(wrong.clone(), Some((&parent, list))).is_none(), "{wrong}");
        }
    }
}
