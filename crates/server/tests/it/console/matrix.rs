//! Every role and every operation: each cell is asserted. A new operation without a row here fails.

use std::collections::BTreeMap;

use castellan_server::console::Role;
use serde_json::json;

use super::document::operations;
use super::site::{Site, Who};

/// The least role of each operation; nothing where nobody has to be signed in.
const LEAST: [(&str, Option<Role>); 47] = [
    ("getOpenapi", None),
    ("signIn", None),
    ("beginOidc", None),
    ("finishOidc", None),
    ("getSession", Some(Role::Reader)),
    ("signOut", Some(Role::Reader)),
    ("runQuery", Some(Role::Reader)),
    ("runQueries", Some(Role::Reader)),
    ("completeQuery", Some(Role::Reader)),
    ("checkQuery", Some(Role::Reader)),
    ("getSchema", Some(Role::Reader)),
    ("listIncidents", Some(Role::Reader)),
    ("getEvidenceKey", Some(Role::Reader)),
    ("getIncident", Some(Role::Reader)),
    ("getIncidentTimeline", Some(Role::Reader)),
    ("getIncidentGraph", Some(Role::Reader)),
    ("getIncidentAudit", Some(Role::Reader)),
    ("exportIncident", Some(Role::Reader)),
    ("listEvidence", Some(Role::Reader)),
    ("getEvidence", Some(Role::Reader)),
    ("getEstate", Some(Role::Reader)),
    ("exportBom", Some(Role::Reader)),
    ("getRecommendation", Some(Role::Reader)),
    ("getGate", Some(Role::Reader)),
    ("tryGate", Some(Role::Reader)),
    ("listOrders", Some(Role::Reader)),
    ("listRules", Some(Role::Reader)),
    ("checkRule", Some(Role::Reader)),
    ("getRule", Some(Role::Reader)),
    ("getEvents", Some(Role::Reader)),
    ("getIncidentsAudit", Some(Role::Responder)),
    ("verifyIncidents", Some(Role::Responder)),
    ("orderIncident", Some(Role::Responder)),
    ("keepEvidence", Some(Role::Responder)),
    ("revealEvidence", Some(Role::Responder)),
    ("exemptRecommendation", Some(Role::Responder)),
    ("liftExemption", Some(Role::Responder)),
    ("giveOrder", Some(Role::Responder)),
    ("liftOrder", Some(Role::Responder)),
    ("scanEstate", Some(Role::Administrator)),
    ("listKeys", Some(Role::Administrator)),
    ("issueKey", Some(Role::Administrator)),
    ("revokeKey", Some(Role::Administrator)),
    ("rotateKey", Some(Role::Administrator)),
    ("saveRule", Some(Role::Administrator)),
    ("removeRule", Some(Role::Administrator)),
    ("getSettings", Some(Role::Administrator)),
];

/// A path with something in its open parts.
fn concrete(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_role_may_what_it_may_and_nothing_else() {
    let site = Site::usual().await;
    let least: BTreeMap<&str, Option<Role>> = LEAST.into_iter().collect();
    let operations = operations();
    assert_eq!(operations.len(), least.len(), "an operation has no row, or a row no operation");
    let mut cells = 0;
    for operation in &operations {
        let least = least.get(operation.id.as_str());
        let least = least.unwrap_or_else(|| panic!("`{}` has no row in the matrix", operation.id));
        let path = concrete(&operation.path);
        let body = (operation.method == "POST").then(|| json!({}));
        let Some(least) = least else {
            let answer = site.ask(&Who::Nobody, &operation.method, &path, body).await;
            assert!(![401, 403].contains(&answer.status), "{}: {answer:?}", operation.id);
            cells += 1;
            continue;
        };
        let answer = site.ask(&Who::Nobody, &operation.method, &path, body.clone()).await;
        assert_eq!(answer.status, 401, "{}: nobody: {answer:?}", operation.id);
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        for role in Role::ALL {
            // Signing out ends a session, so that each cell has its own.
            let who = site.sign_in(role).await;
            let answer = site.ask(&who, &operation.method, &path, body.clone()).await;
            let is_refused = answer.status == 403 && answer.code() == "role";
            assert_eq!(is_refused, role < *least, "{}: {role:?}: {answer:?}", operation.id);
            assert_ne!(answer.status, 401, "{}: {role:?}: {answer:?}", operation.id);
            assert_ne!(answer.code(), "csrf", "{}: {role:?}: {answer:?}", operation.id);
            cells += 1;
        }
        let answer = site.ask(&Site::bearer(), &operation.method, &path, body.clone()).await;
        assert!(answer.status != 401 && answer.code() != "role", "{}: token: {answer:?}", operation.id);
        cells += 2;
    }
    assert_eq!(cells, 4 + 43 * 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_changes_something_needs_the_value_of_the_session() {
    let site = Site::usual().await;
    let Who::Session { cookie, csrf } = site.sign_in(Role::Administrator).await else { panic!() };
    let Who::Session { csrf: other, .. } = site.sign_in(Role::Administrator).await else { panic!() };
    let with = |csrf: &str| Who::Session { cookie: cookie.clone(), csrf: csrf.to_owned() };
    let changing =
        operations().into_iter().filter(|operation| operation.method != "GET" && operation.id != "signIn");
    let mut checked = 0;
    for operation in changing.filter(|operation| operation.id != "signOut") {
        let path = concrete(&operation.path);
        let body = (operation.method == "POST").then(|| json!({}));
        for wrong in ["", &other, &csrf[..63], "x"] {
            let answer = site.ask(&with(wrong), &operation.method, &path, body.clone()).await;
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (403, "csrf"),
                "{}: {answer:?}",
                operation.id
            );
        }
        let answer = site.ask(&with(&csrf), &operation.method, &path, body).await;
        assert_ne!(answer.code(), "csrf", "{}: {answer:?}", operation.id);
        checked += 1;
    }
    assert!(checked >= 12, "{checked}");
    assert_eq!(site.ask(&with(""), "DELETE", "/api/v1/session", None).await.code(), "csrf");
}
