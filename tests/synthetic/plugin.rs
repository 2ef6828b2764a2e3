//! A synthetic exporter: writes as many rows as `SYNTHETIC_ROWS` says, without asking anybody.

use std::fmt::Write as _;

use plugin_api::{
    Column, Description, Desk, ErrorKind, ExportError, Exporter, Job, Output, Result, Table, Timestamp, Value,
    export_plugin,
};

struct Synthetic;

impl Exporter for Synthetic {
    fn describe(&self) -> Description {
        Description {
            module: "synthetic".into(),
            label: "Synthetic rows".into(),
            connection: "http".into(),
            tables: vec!["Rows".into()],
        }
    }

    fn tables(&self, _: &Desk<'_>) -> Result<Vec<Table>> {
        let columns = ["id", "parent", "made", "open", "subject"].map(|name| Column::new(name, name));
        Ok(vec![
            Table::new("Rows")
                .columns(columns)
                .key(["id"])
                .child_of("Rows", "parent"),
        ])
    }

    fn export(&self, _: &Job, _: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
        let wanted = std::env::var("SYNTHETIC_ROWS")
            .ok()
            .and_then(|rows| rows.parse::<i64>().ok());
        let wanted =
            wanted.ok_or_else(|| ExportError::new(ErrorKind::Other, "SYNTHETIC_ROWS must say how many rows"))?;
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
}

export_plugin!(Synthetic);
