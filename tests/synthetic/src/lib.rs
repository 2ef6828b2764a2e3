//! A synthetic exporter. It writes as many rows as it is told, without asking anybody; then it asks the desk for as many
//! pages as it is told and writes their records, as an exporter of a real desk does. It is told by the cursor it is given
//! (`{"rows": 10, "pages": 2}`), or by the environment variable `SYNTHETIC_ROWS`.

use std::fmt::Write as _;

use plugin_api::{
    Column, Description, Desk, ErrorKind, ExportError, Exporter, Job, Output, Request, Result, Table, Timestamp, Value,
    export_plugin,
};

/// Fields of a page's records that have a column; the others are left for the rest.
const FIELDS: usize = 35;

struct Synthetic;

impl Exporter for Synthetic {
    fn describe(&self) -> Description {
        Description::new("synthetic", "Synthetic rows").tables(["Rows", "Records"])
    }

    fn tables(&self, _: &Desk<'_>) -> Result<Vec<Table>> {
        let columns = ["id", "parent", "made", "open", "subject"].map(|name| Column::new(name, name));
        let fields = (0..FIELDS).map(|field| {
            let name = format!("field{field}");
            // Every seventh is a time, and every tenth inside an object.
            match field {
                _ if field % 10 == 9 => Column::new(&name, &name).from(format!("/nested/{name}")),
                _ if field % 7 == 6 => Column::new(&name, &name).time(),
                _ => Column::new(&name, &name),
            }
        });
        Ok(vec![
            Table::new("Rows")
                .columns(columns)
                .key(["id"])
                .child_of("Rows", "parent"),
            Table::new("Records").columns(fields).rest("Other Fields"),
        ])
    }

    fn export(&self, job: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
        let told = |what: &str| job.resume.as_ref()?.get(what)?.as_i64();
        let Some((wanted_rows, wanted_pages)) = told("rows").zip(told("pages")) else {
            return rows(out, from_environment("SYNTHETIC_ROWS")?);
        };
        rows(out, wanted_rows)?;
        pages(desk, out, wanted_pages)
    }
}

/// The number in an environment variable.
fn from_environment(variable: &str) -> Result<i64> {
    let number = std::env::var(variable).ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| ExportError::new(ErrorKind::Other, format!("{variable} must hold a number")))
}

fn rows(out: &mut Output<'_>, wanted: i64) -> Result<()> {
    let rows = out.table("Rows")?;
    out.expect(wanted.cast_unsigned())?;
    let mut subject = String::new();
    for id in 0..wanted {
        subject.clear();
        let _ = write!(
            subject,
            "Ticket {id}: \"the printer, 日本語\"\nis out of {}",
            id.wrapping_mul(7919) % 1013
        );
        let cells = [
            Value::Int(id),
            if id == 0 { Value::Null } else { Value::Int(id / 2) },
            Value::Time(Timestamp::from_micros(id * 1_000_003)),
            Value::Bool(id % 3 == 0),
            Value::Text(&subject),
        ];
        out.write(rows, &cells)?;
    }
    out.desk_count(rows, wanted.cast_unsigned())
}

fn pages(desk: &Desk<'_>, out: &mut Output<'_>, wanted: i64) -> Result<()> {
    let records = out.table("Records")?;
    let numbers = (0..wanted).map(Ok);
    for page in desk.each(numbers, |number| Some(Request::get("/records").query("page", number))) {
        let Some(page) = page?.answer.transpose()? else {
            continue;
        };
        for record in page.records("/data")? {
            out.record(records, record)?;
        }
    }
    Ok(())
}

export_plugin!(Synthetic);
