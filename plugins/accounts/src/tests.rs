use plugin_api::Job;
use plugin_api::testing::check_exporter;
use serde_json::{Value, json};
use zoho::testing::FakeZoho;

use super::Accounts;

fn accounts(count: u64) -> Vec<Value> {
    let account = |number: u64| {
        let (day, hour, minute) = (number / 1_440 + 1, number / 60 % 24, number % 60);
        json!({
            "id": format!("7315{number:014}"), "accountName": format!("Harbour \"Goods\", {number}\n日本 🖨"),
            "email": "info@harbourgoods.example", "website": null, "createdTime": format!("2029-11-{day:02}T{hour:02}:{minute:02}:31.000Z"),
            "zohoCRMAccount": if number == 1 { json!({"id": "77", "type": "accounts"}) } else { Value::Null },
            "modifiedTime": "2031-01-09T10:00:00.000Z", "industry": "Retail", "annualrevenue": "1250000.00",
            "cf": {"cf_tier": "Gold"}, "customFields": {"Tier": "Gold"}, "associatedSLAIds": ["1", "2"],
            "isFollowing": "false", "layoutId": "731500000000033021",
            "layoutDetails": {"id": "731500000000033021", "layoutName": "Accounts"},
        })
    };
    (1..=count).map(account).collect()
}

fn zoho(accounts: Vec<Value>) -> FakeZoho {
    FakeZoho::new()
        .fields("accounts", &[("cf_tier", "Tier")])
        .module("/accounts", accounts)
        .bare(&["cf", "customFields", "modifiedTime", "industry"])
}

#[test]
fn conforms() {
    check_exporter(|| Accounts, zoho(accounts(230)).desk());
    // Without the scope for searches.
    check_exporter(
        || Accounts,
        zoho(accounts(130)).refuse("/search", 403, "SCOPE_MISMATCH").desk(),
    );
}

#[test]
fn writes_every_fact_in_the_formats_order() {
    let run = zoho(accounts(2)).desk().run(Accounts, &Job::full("accounts"));
    assert_eq!(run.result, Ok(()));
    let table = &run.table("Accounts").expect("the table").table;
    let names: Vec<_> = table.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(
        names.join(", "),
        "id, ownerId, accountName, phone, email, fax, website, industry, annualRevenue, createdBy, modifiedBy, \
         createdTime, modifiedTime, street, city, state, code, country, description, crmAccountId, layoutId, cf_tier, \
         webUrl, customerHappiness, owner, associatedSLAIds, isFollowing, isDeleted, isTrashed, layoutDetails, \
         Other Fields"
    );
    let row: Vec<_> = names
        .into_iter()
        .zip(run.rows("Accounts")[0].clone())
        .filter(|(_, cell)| !cell.is_empty())
        .collect();
    let expected = [
        ("id", "731500000000000001"),
        ("accountName", "Harbour \"Goods\", 1\n日本 🖨"),
        ("email", "info@harbourgoods.example"),
        ("industry", "Retail"),
        ("annualRevenue", "1250000.00"),
        ("createdTime", "2029-11-01T00:01:31Z"),
        ("modifiedTime", "2031-01-09T10:00:00Z"),
        ("crmAccountId", "77"),
        ("layoutId", "731500000000033021"),
        ("cf_tier", "Gold"),
        ("associatedSLAIds", r#"["1","2"]"#),
        ("isFollowing", "false"),
        (
            "layoutDetails",
            r#"{"id":"731500000000033021","layoutName":"Accounts"}"#,
        ),
        (
            "Other Fields",
            r#"{"customFields":{"Tier":"Gold"},"zohoCRMAccount":{"type":"accounts"}}"#,
        ),
    ];
    assert_eq!(row, expected.map(|(name, cell)| (name, cell.to_owned())));
    assert_eq!(run.desk_count("Accounts"), Some(2));
}
