//! Exports Zoho Desk's products: one table, from rows of the search, which are as whole as a product's detail. The desk's
//! own backup has no products: the columns are the API's, in its order.

use plugin_api::{Column, Description, Desk, Exporter, Job, Output, Result, Table};
use zoho::Module;

struct Products;

plugin_api::export_plugin!(Products);

const PRODUCTS: Module = Module {
    path: "/products",
    list: &[("sortBy", "createdTime")],
};

impl Exporter for Products {
    fn describe(&self) -> Description {
        Description::new("products", "Products")
            .connection("zoho")
            .tables(["Products"])
            .again()
            .resumes()
    }

    fn tables(&self, desk: &Desk<'_>) -> Result<Vec<Table>> {
        desk.judge_by(zoho::judge);
        let [custom] = zoho::custom_fields(desk, ["products"])?;
        let fields = FIELDS.iter().map(|name| zoho::column(name));
        let columns = std::iter::once(Column::new("id", "Product Id")).chain(fields);
        Ok(vec![zoho::table("Products", columns.collect(), custom, &[])])
    }

    fn export(&self, job: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
        zoho::export_module(PRODUCTS, "Products", job, desk, out)
    }
}

/// The API's fields.
const FIELDS: [&str; 16] = [
    "productName",
    "productCode",
    "unitPrice",
    "departmentIds",
    "description",
    "ownerId",
    "owner",
    "manufacturer",
    "productCategory",
    "createdBy",
    "createdTime",
    "modifiedBy",
    "modifiedTime",
    "isDeleted",
    "layoutId",
    "layoutDetails",
];

#[cfg(test)]
mod tests;
