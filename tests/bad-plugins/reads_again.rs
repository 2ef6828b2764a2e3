//! Not a bad one: reads twenty records (or as many as the desk says) one by one, remembers each, names those that the desk refuses, and can read them once more.

mod common;

use std::sync::atomic::{AtomicU64, Ordering};

use plugin_api::{Description, Desk, ErrorKind, ExportError, Exporter, Job, Output, Result, Table, Value};

const RECORDS: u64 = 20;

/// How many there are.
struct ReadsAgain(AtomicU64);

plugin_api::export_plugin!(ReadsAgain(AtomicU64::new(RECORDS)));

impl Exporter for ReadsAgain {
    fn describe(&self) -> Description {
        common::description("reads-again").again().resumes()
    }

    fn tables(&self, desk: &Desk<'_>) -> Result<Vec<Table>> {
        let said: serde_json::Value = desk.get("/tables")?.json()?;
        self.0
            .store(said["records"].as_u64().unwrap_or(RECORDS), Ordering::Relaxed);
        Ok(vec![common::things()])
    }

    fn export(&self, job: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
        let things = out.table("Things")?;
        let read = |id: u64, out: &mut Output<'_>| match desk.get(&format!("/things/{id}")) {
            Ok(_) => out.write(things, &[Value::Int(id.cast_signed()), Value::Text("there")]),
            Err(error) if error.kind == ErrorKind::Forbidden => out.unread(things, id.to_string(), &error),
            Err(error) => Err(error),
        };
        if !job.only.is_empty() {
            return job
                .only
                .iter()
                .try_for_each(|wanted| read(wanted.key[0].parse().expect("a number"), out));
        }
        let next = job.resume.as_ref().and_then(serde_json::Value::as_u64).unwrap_or(1);
        let before: Vec<u64> = (1..next).collect();
        let remembered: Option<Vec<u64>> = job.remembered.iter().map(serde_json::Value::as_u64).collect();
        if remembered != Some(before) {
            return Err(ExportError::new(
                ErrorKind::Other,
                format!("remembers {:?}", job.remembered),
            ));
        }
        let records = self.0.load(Ordering::Relaxed);
        for id in next..=records {
            out.expect(records)?;
            read(id, out)?;
            out.remember(&id)?;
            out.checkpoint(&(id + 1))?;
        }
        Ok(())
    }
}
