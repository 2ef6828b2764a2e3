//! The iterators against fake desks: on real requests, through the ABI, with answers in any order.

use std::sync::{Arc, Mutex};

use serde_json::value::RawValue;

use crate::testing::random::Random;
use crate::testing::{FakeDesk, Reply, Run};
use crate::{Column, Description, Desk, Exporter, Job, Output, Request, Result, Table};

mod each;
mod list;
mod pages;
mod readings;
mod search;

/// What a test does with a desk.
type Work<T> = Box<dyn Fn(&Desk<'_>) -> Result<T> + Send + Sync>;

struct Does<T> {
    work: Work<T>,
    result: Arc<Mutex<Option<T>>>,
}

impl<T: Send + 'static> Exporter for Does<T> {
    fn describe(&self) -> Description {
        Description {
            module: "does".into(),
            label: "Does".into(),
            connection: "http".into(),
            tables: vec!["T".into()],
            again: false,
            resumes: false,
        }
    }

    fn tables(&self, _: &Desk<'_>) -> Result<Vec<Table>> {
        Ok(vec![Table::new("T").column(Column::new("a", "A"))])
    }

    fn export(&self, _: &Job, desk: &Desk<'_>, _: &mut Output<'_>) -> Result<()> {
        *self.result.lock().unwrap() = Some((self.work)(desk)?);
        assert!(desk.untaken.get() <= desk.window);
        Ok(())
    }
}

/// Does something with a desk, whose answers come in the order of a seed.
fn with_desk<T: Send + 'static>(
    desk: &FakeDesk,
    (window, seed): (u32, u64),
    work: impl Fn(&Desk<'_>) -> Result<T> + Send + Sync + 'static,
) -> (Result<T>, Run) {
    let result = Arc::new(Mutex::new(None));
    let does = Does {
        work: Box::new(work),
        result: Arc::clone(&result),
    };
    let run = desk
        .clone()
        .seed(seed)
        .run(does, &Job::full("does").with_window(window));
    let value = result.lock().unwrap().take();
    let value = run.result.clone().map(|()| value.expect("the work gives a value"));
    (value, run)
}

/// Windows and orders of answers in which the iterators have to give the same.
fn ways() -> impl Iterator<Item = (u32, u64)> {
    [1, 2, 3, 16]
        .into_iter()
        .flat_map(|window| (0..4).map(move |seed| (window, seed)))
}

fn asked(request: &Request, name: &str) -> u64 {
    let found = request.query.iter().find(|(key, _)| key == name);
    found
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or_else(|| panic!("no {name} in {request:?}"))
}

fn numbers(records: &[&RawValue]) -> Vec<u64> {
    records
        .iter()
        .map(|record| record.get().parse().expect("a number"))
        .collect()
}

fn kind<T>(result: Result<T>) -> crate::ErrorKind {
    result
        .err()
        .map_or_else(|| panic!("it should fail"), |error| error.kind)
}
