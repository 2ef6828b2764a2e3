//! Works, and panics when it is dropped.

mod common;

use plugin_api::{Description, Desk, Exporter, Job, Output, Result, Table, export_plugin};

struct Bad;

impl Exporter for Bad {
    fn describe(&self) -> Description {
        common::description("panics-in-drop")
    }

    fn tables(&self, _: &Desk<'_>) -> Result<Vec<Table>> {
        Ok(vec![common::things()])
    }

    fn export(&self, _: &Job, _: &Desk<'_>, _: &mut Output<'_>) -> Result<()> {
        Ok(())
    }
}

impl Drop for Bad {
    fn drop(&mut self) {
        panic!("can't let go");
    }
}

export_plugin!(Bad);
