use plugin_api::Job;
use plugin_api::testing::check_exporter;
use serde_json::{Value, json};
use zoho::testing::FakeZoho;

use super::Products;

fn products(count: u64) -> Vec<Value> {
    let product = |number: u64| {
        json!({
            "id": format!("7315{number:014}"), "productName": format!("Label printer \"LP-{number}\""),
            "productCode": null, "unitPrice": "349.00", "departmentIds": ["731500000000021055"],
            "description": "<p>印刷,\r\n=SUM(A1)</p>", "ownerId": "731500000000314009", "owner": null,
            "cf": {}, "customFields": {}, "createdBy": "731500000000314009",
            "createdTime": format!("2029-12-01T{:02}:{:02}:00.000Z", number / 60, number % 60),
            "modifiedBy": "731500000000314009", "modifiedTime": "2030-05-05T12:00:00.000Z", "isDeleted": false,
            "layoutId": "731500000000033040", "layoutDetails": {"id": "731500000000033040", "layoutName": "Products"},
        })
    };
    (1..=count).map(product).collect()
}

/// Rows of the list have five keys.
fn zoho(products: Vec<Value>) -> FakeZoho {
    FakeZoho::new()
        .fields("products", &[])
        .module("/products", products)
        .bare(&[
            "description",
            "ownerId",
            "owner",
            "cf",
            "customFields",
            "createdBy",
            "createdTime",
            "modifiedBy",
            "modifiedTime",
            "isDeleted",
            "layoutId",
            "layoutDetails",
        ])
}

#[test]
fn conforms() {
    check_exporter(|| Products, zoho(products(230)).desk());
    check_exporter(
        || Products,
        zoho(products(15)).refuse("/search", 403, "SCOPE_MISMATCH").desk(),
    );
}

#[test]
fn the_list_and_the_search_give_the_same() {
    let job = Job::full("products");
    let searched = zoho(products(3)).desk().run(Products, &job);
    let listed = zoho(products(3))
        .refuse("/search", 403, "FORBIDDEN")
        .desk()
        .run(Products, &job);
    assert_eq!((&searched.result, &listed.result), (&Ok(()), &Ok(())));
    assert_eq!(searched.rows("Products"), listed.rows("Products"));
    assert_eq!(searched.rows("Products")[0][5], "<p>印刷,\r\n=SUM(A1)</p>");
    assert_eq!(searched.desk_count("Products"), Some(3));
}
