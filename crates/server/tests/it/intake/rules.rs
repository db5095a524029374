//! Data collection rules: what is refused, and what happens when files change.

use serde_json::{Value, json};

use super::Site;
use super::logs::{VERSION, rule};

async fn told_of(text: &str) -> Vec<String> {
    let folder = tempfile::TempDir::new().unwrap();
    let lake = super::lake(&folder).await;
    let path = folder.path().join("rules");
    std::fs::create_dir(&path).unwrap();
    std::fs::write(path.join("r.json"), text).unwrap();
    let (rules, told) = castellan_server::intake::Rules::open(&path, &lake).await.unwrap();
    let start = format!("{}/", path.display());
    let told = told.iter().map(|line| line.replace(&start, "")).collect();
    assert!(rules.ids().is_empty() || !rules.ids().is_empty());
    told
}

fn changed(change: impl FnOnce(&mut Value)) -> String {
    let mut own: Value = serde_json::from_str(&rule()).unwrap();
    change(&mut own["properties"]);
    own.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_rule_is_told_with_its_place() {
    let check = async |text: &str, expected: &str| {
        let told = told_of(text).await;
        assert!(told.iter().any(|line| line.contains(expected)), "{expected}: {told:#?}");
        assert!(told.iter().any(|line| line.ends_with("nothing of this file is in force")), "{told:#?}");
    };
    check("{\n  \"properties\": [,]\n}", "r.json:2:").await;
    check("{}", "no `dataFlows`").await;
    let kql = |kql: &str| changed(|rule| rule["dataFlows"][0]["transformKql"] = json!(kql));
    check(&kql("source\n| summarize count()"), "`transformKql`, line 2, column 3: this operator cannot")
        .await;
    check(&kql("source | where None == 1"), "`transformKql`, line 1, column 16").await;
    check(&kql("other"), "`transformKql`, line 1, column 1").await;
    check(&kql("source |"), "`transformKql`, line 1").await;
    let typed = kql("source | project TimeGenerated = Computer");
    check(&typed, "`TimeGenerated` comes out as string").await;
    check(
        &changed(|rule| rule["dataFlows"][1]["transformKql"] = json!("source | project EventTime = Number")),
        "`EventTime` comes out as long and is datetime in Syslog",
    )
    .await;
    check(
        &changed(|rule| rule["dataFlows"][0]["streams"] = json!(["Custom-No"])),
        "`Custom-No` is not declared",
    )
    .await;
    check(&changed(|rule| rule["dataFlows"][0]["outputStream"] = json!("Custom-No")), "end in `_CL`").await;
    check(&changed(|rule| rule["dataFlows"][0]["outputStream"] = json!("Microsoft-No")), "no table `No`")
        .await;
    check(&changed(|rule| rule["dataFlows"][0]["destinations"] = json!(["there"])), "not declared under")
        .await;
    let column =
        changed(|rule| rule["streamDeclarations"]["Custom-Small"]["columns"][0]["type"] = json!("number"));
    check(&column, "`n` has no type that is known").await;
    check(&changed(|rule| rule["immutableId"] = json!("[parameters('id')]")), "id of the rule").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_forms_of_azure_are_read_and_what_is_left_out_is_told() {
    let own: Value = serde_json::from_str(&rule()).unwrap();
    let template = json!({ "resources": [
        { "type": "Microsoft.Storage/storageAccounts" },
        { "type": "microsoft.insights/datacollectionrules", "properties": own["properties"] }] });
    for form in [own["properties"].clone(), json!([own]), json!({ "value": [own] }), template] {
        assert_eq!(told_of(&form.to_string()).await, Vec::<String>::new(), "{form}");
    }
    let told = told_of(&changed(|rule| {
        rule["dataSources"] = json!({});
        rule.as_object_mut().unwrap().remove("immutableId");
        rule["destinations"]["eventHubs"] = json!([{ "name": "hub" }]);
        rule["dataFlows"][0]["destinations"] = json!(["here", "hub"]);
        rule["dataFlows"][1]["transformKql"] = json!("source | extend Further = 1, TimeGenerated = Time | project-away Time, Computer, AdditionalContext, Number");
    }))
    .await;
    let all = told.join("\n");
    for part in [
        "reached as `r`",
        "`dataSources` are for agents",
        "`hub` is no workspace",
        "Syslog has no column Further",
    ] {
        assert!(all.contains(part), "{part}: {all}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_change_take_effect_and_broken_ones_do_not() {
    let config = castellan_server::Config { address: crate::client::free(), ..Default::default() };
    let site = Site::start(config, &[("test.json", &rule())]).await;
    let file = site.folder.path().join("rules/test.json");
    let path = format!("/dataCollectionRules/dcr-test/streams/Custom-Small?{VERSION}");
    let send =
        async || site.post(&path, &[("content-type", "application/json")], "[{\"n\": 1}]").await.status;
    assert_eq!(site.rules.refresh(&site.lake).await.unwrap(), Vec::<String>::new());
    std::fs::write(&file, "{ broken").unwrap();
    let told = site.rules.refresh(&site.lake).await.unwrap();
    assert!(told.iter().any(|line| line.ends_with("the version before this stays in force")), "{told:?}");
    assert_eq!(site.rules.refresh(&site.lake).await.unwrap(), Vec::<String>::new(), "said once");
    assert_eq!(send().await, 204);
    let more = changed(|rule| rule["dataFlows"][2]["transformKql"] = json!("source | extend m = n + 1"));
    std::fs::write(&file, more).unwrap();
    assert_eq!(site.rules.refresh(&site.lake).await.unwrap(), Vec::<String>::new());
    assert_eq!(send().await, 204);
    assert_eq!(
        site.value("Small_CL | summarize sum(m), count() | project strcat(sum_m, '/', count_)").await,
        "2/2"
    );
    let twice = site.folder.path().join("rules/twice.json");
    std::fs::write(&twice, rule()).unwrap();
    let told = site.rules.refresh(&site.lake).await.unwrap();
    assert!(told.iter().any(|line| line.contains("`dcr-test` is in ")), "{told:?}");
    std::fs::remove_file(&file).unwrap();
    std::fs::remove_file(&twice).unwrap();
    assert!(
        site.rules.refresh(&site.lake).await.unwrap()[0].ends_with("the file is gone, and so are its rules")
    );
    assert_eq!((send().await, site.rules.ids().len()), (404, 0));
}
