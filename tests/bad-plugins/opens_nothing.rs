//! Describes a table and never opens it.

mod common;

use plugin_api::{Description, Desk, Exporter, Job, Output, Result, Table, export_plugin};

struct Bad;

impl Exporter for Bad {
    fn describe(&self) -> Description {
        common::description("opens-nothing")
    }

    fn tables(&self, _: &Desk<'_>) -> Result<Vec<Table>> {
        Ok(Vec::new())
    }

    fn export(&self, _: &Job, _: &Desk<'_>, _: &mut Output<'_>) -> Result<()> {
        Ok(())
    }
}

export_plugin!(Bad);
