//! Opens ten thousand tables that it did not name.

mod common;

common::bad_plugin!("opens-many-tables", describe: || common::description("opens-many-tables"), export: |_, out| {
    out.table("Things")?;
    for number in 0..10_000 {
        let column = plugin_api::Column::new("id", "Id");
        out.add(plugin_api::Table::new(format!("Table {number}")).column(column).key(["id"]))?;
    }
    Ok(())
});
