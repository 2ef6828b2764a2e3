//! Works, and never comes back from being dropped.

mod common;

use plugin_api::{Description, Desk, Exporter, Job, Output, Result, Table, export_plugin};

struct Bad;

impl Exporter for Bad {
    fn describe(&self) -> Description {
        common::description("hangs-in-drop")
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
        loop {
            std::thread::park();
        }
    }
}

export_plugin!(Bad);
