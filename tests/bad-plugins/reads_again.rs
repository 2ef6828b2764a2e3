//! Not a bad one: reads twenty records one by one, remembers each, names those that the desk refuses, and can read them once more.

mod common;

use plugin_api::{Description, Desk, ErrorKind, ExportError, Exporter, Job, Output, Result, Table, Value};

const RECORDS: u64 = 20;

struct ReadsAgain;

plugin_api::export_plugin!(ReadsAgain);

impl Exporter for ReadsAgain {
    fn describe(&self) -> Description {
        common::description("reads-again").again()
    }

    fn tables(&self, desk: &Desk<'_>) -> Result<Vec<Table>> {
        desk.get("/tables")?;
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
        for id in next..=RECORDS {
            out.expect(RECORDS)?;
            read(id, out)?;
            out.remember(&id)?;
            out.checkpoint(&(id + 1))?;
        }
        Ok(())
    }
}
