//! The fake host is as strict as the engine.

use std::time::Duration;

use crate::testing::{Field, Reply, conformance_report};
use crate::{
    Column, Description, Desk, ErrorKind, ExportError, Exporter, Job, Output, Request, Result, Table, Timestamp, Value,
};

use super::FakeDesk;

type Work = fn(&Desk<'_>, &mut Output<'_>) -> Result<()>;

/// Does what a test says.
struct Does(Work);

impl Exporter for Does {
    fn describe(&self) -> Description {
        Description {
            module: "does".into(),
            label: "Does".into(),
            connection: "http".into(),
            tables: vec!["T".into()],
            again: false,
            resumes: true,
        }
    }

    fn tables(&self, _: &Desk<'_>) -> Result<Vec<Table>> {
        let columns = ["a", "b"].map(|name| Column::new(name, name).given());
        Ok(vec![Table::new("T").columns(columns)])
    }

    fn export(&self, _: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
        (self.0)(desk, out)
    }
}

fn run(work: Work) -> crate::testing::Run {
    FakeDesk::new(|request| match request.path.as_str() {
        "/down" => Reply::network_error(),
        "/head" => Reply::json(200, "[]").header("X-Page", "1"),
        _ => Reply::status(404),
    })
    .run(Does(work), &Job::full("does"))
}

fn wrong(work: Work, expected: &str) {
    let run = run(work);
    let error = run.result.expect_err(expected);
    assert_eq!(error.kind, ErrorKind::Misuse, "{error}");
    assert!(error.message.contains(expected), "{error} should say {expected:?}");
}

#[test]
fn broken_rules_are_misuse_even_where_the_exporter_takes_no_notice() {
    wrong(
        |_, out| out.write(out.table("T")?, &[Value::Null]),
        "a row with 1 cells for table T, which has 2",
    );
    wrong(
        |_, out| {
            let _ = out.write(out.table("T")?, &[Value::Null; 3]);
            Ok(())
        },
        "a row with 3 cells for table T, which has 2",
    );
    wrong(
        |_, out| out.write(out.table("T")?, &[Value::Json("{"), Value::Null]),
        "a JSON cell is no JSON",
    );
    wrong(|_, out| out.table("X").map(|_| ()), "there is no table \"X\"");
    wrong(
        |_, out| out.add(Table::new("t").column(Column::new("a", "A"))).map(|_| ()),
        "there is a table t already",
    );
    for (name, expected) in [
        ("T__1", "is not a table's name"),
        ("1T", "is not a table's name"),
        ("", "is not a table's name"),
    ] {
        assert!(
            super::super::rules::check_table(&Table::new(name).column(Column::new("a", "A")), [])
                .is_err_and(|why| why.contains(expected))
        );
    }
    wrong(|_, out| out.add(Table::new("U")).map(|_| ()), "has 0 columns");
    wrong(
        |_, out| {
            out.add(Table::new("U").column(Column::new("a", "A")).key(["b"]))
                .map(|_| ())
        },
        "names \"b\" as key or parent",
    );
    wrong(
        |_, out| {
            out.add(Table::new("U").columns([Column::new("a", "A"), Column::new("a", "B")]))
                .map(|_| ())
        },
        "two columns called \"a\"",
    );
    wrong(
        |desk, _| desk.send(&Request::get("//evil/x")).map(|_| ()),
        "would name another host",
    );
    wrong(
        |desk, _| desk.send(&Request::get("/a/%2E%2e/b")).map(|_| ()),
        "a segment of dots",
    );
    wrong(
        |desk, _| desk.send(&Request::get("/").header("Cookie", "x")).map(|_| ()),
        "belongs to the connection",
    );
}

#[test]
fn what_an_exporter_does_is_recorded() {
    let run = run(|desk, out| {
        let table = out.table("T")?;
        tracing::info!(rows = 1, "half way");
        out.write(table, &[Value::Int(-1), Value::Time(Timestamp::from_micros(0))])?;
        out.checkpoint(&"c")?;
        out.write(table, &[Value::Bool(true), Value::Float(0.5)])?;
        out.expect(7)?;
        let head = desk.send(&Request::get("/head"))?;
        assert_eq!(head.header("x-page"), Some("1"));
        assert_eq!(
            desk.get("/x").map_err(|error| error.kind).err(),
            Some(ErrorKind::NotFound)
        );
        assert_eq!(
            desk.send(&Request::get("/down")).map_err(|error| error.kind).err(),
            Some(ErrorKind::Network)
        );
        Ok(())
    });
    assert_eq!(run.result, Ok(()));
    assert_eq!(run.rows("T"), [["-1", "1970-01-01T00:00:00Z"], ["true", "0.5"]]);
    assert_eq!(run.tables[0].rows[0][0], Field::Int(-1));
    assert_eq!(
        (run.checkpoints[0].rows.as_slice(), &run.checkpoints[0].cursor),
        (&[1][..], &"c".into())
    );
    assert_eq!(run.requests.len(), 3);
    assert_eq!(run.events.len(), 1);
    assert_eq!((run.events[0].level, run.events[0].message.as_str()), (3, "half way"));
}

#[test]
fn a_panic_is_an_error_with_its_own_place() {
    let run = run(|_, _| {
        // What an exporter catches itself is not what went wrong later.
        let _ = std::panic::catch_unwind(|| panic!("caught"));
        panic!("not caught")
    });
    let error = run.result.unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Panic, "not caught"));
    assert!(error.place.is_some_and(|place| place.contains("host.rs")));
}

#[test]
#[should_panic(expected = "the fake desk panicked: no such page")]
fn a_panic_of_the_fake_desk_is_the_tests_own() {
    FakeDesk::new(|_| panic!("no such page")).run(Does(|desk, _| desk.get("/").map(|_| ())), &Job::full("does"));
}

#[test]
#[should_panic(expected = "src/testing/tests/host.rs:")]
fn a_panic_of_the_fake_desk_keeps_its_place() {
    FakeDesk::new(|_| panic!("no such page")).run(Does(|desk, _| desk.get("/").map(|_| ())), &Job::full("does"));
}

#[test]
fn an_exporter_that_does_nothing_for_ever_is_given_up() {
    let desk = FakeDesk::new(|_| Reply::empty()).patience(Duration::from_millis(20));
    let idle = || {
        Does(|_, _| {
            loop {
                std::thread::park();
            }
        })
    };
    let error = desk.run(idle(), &Job::full("does")).result.unwrap_err();
    assert!(error.message.contains("it has not called the host for 20ms"), "{error}");
    let findings = conformance_report(idle, desk);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert!(findings[0].what.contains("goes on for ever"), "{findings:#?}");
}

#[test]
fn a_panic_in_drop_is_told() {
    struct Drops(Does);
    impl Drop for Drops {
        fn drop(&mut self) {
            panic!("in drop");
        }
    }
    impl Exporter for Drops {
        fn describe(&self) -> Description {
            self.0.describe()
        }
        fn tables(&self, desk: &Desk<'_>) -> Result<Vec<Table>> {
            self.0.tables(desk)
        }
        fn export(&self, job: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> Result<()> {
            self.0.export(job, desk, out)
        }
    }
    let desk = FakeDesk::new(|_| Reply::empty());
    let run = desk.run(Drops(Does(|_, _| Ok(()))), &Job::full("does"));
    assert_eq!(
        run.result.map_err(|error: ExportError| error.message),
        Err("in drop".to_owned())
    );
}
