//! What the fuzz targets do with their bytes: one function for each parser that reads what others wrote.
//!
//! None of them may panic, hang, or take more memory than its bounds say, whatever the bytes. `fuzz/run` has libFuzzer look
//! for bytes that make one do so; the bytes that it started from or found lie in `fuzz/corpus/<function>`, and plain
//! `cargo test` hands all of them to the functions again. What once was a crash stays there as a test.

use std::sync::atomic::{AtomicUsize, Ordering};

use plugin_api::testing::{FakeDesk, Reply};
use plugin_api::{Column, Description, Desk, ErrorKind, Exporter, Job, Output, Table};
use zoho::Module;

pub use engine::fuzzing::{archive, checkpoint, configuration, manifest, pipe, plugin};

/// Calls of the host that a page of a few kilobytes can give cause for.
const MOST_CALLS: u64 = 20_000;

/// Pages of the desk's API, with a zero byte between them: in turn, the answers to whatever an exporter asks.
///
/// # Panics
/// Where the exporter panics or does not come to its end: that is what is looked for.
pub fn api_page(bytes: &[u8]) {
    let pages: Vec<Vec<u8>> = bytes.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect();
    let asked = AtomicUsize::new(0);
    let desk = FakeDesk::new(move |_| {
        let turn = asked.fetch_add(1, Ordering::Relaxed) % pages.len();
        Reply::bytes(200, pages[turn].clone())
    });
    let desk = desk.cancel_after(MOST_CALLS);
    let run = desk.run(Contacts, &Job::full("contacts"));
    // Whatever comes of it, the exporter does not panic, and comes to an end.
    if let Err(error) = run.result {
        let fine = !matches!(error.kind, ErrorKind::Panic | ErrorKind::Cancelled);
        assert!(fine, "{:?}: {}", error.kind, error.message);
    }
}

struct Contacts;

impl Exporter for Contacts {
    fn describe(&self) -> Description {
        Description::new("contacts", "Contacts")
            .connection("zoho")
            .tables(["Contacts"])
    }

    fn tables(&self, desk: &Desk<'_>) -> plugin_api::Result<Vec<Table>> {
        desk.judge_by(zoho::judge);
        let [custom] = zoho::custom_fields(desk, ["contacts"])?;
        let columns = vec![
            Column::new("id", "Contact Id"),
            Column::new("modifiedTime", "Modified Time").time(),
        ];
        Ok(vec![zoho::table("Contacts", columns, custom, &["owner"])])
    }

    fn export(&self, job: &Job, desk: &Desk<'_>, out: &mut Output<'_>) -> plugin_api::Result<()> {
        let module = Module {
            path: "/contacts",
            list: &[("sortBy", "createdTime")],
        };
        zoho::export_module(module, "Contacts", job, desk, out)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    /// A parser behind its door.
    type Door = fn(&[u8]);

    /// Every file of the corpora once more.
    #[test]
    fn nothing_that_was_found_is_found_again() {
        let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
        let doors: [(&str, Door); 7] = [
            ("api_page", super::api_page),
            ("archive", super::archive),
            ("checkpoint", super::checkpoint),
            ("configuration", super::configuration),
            ("manifest", super::manifest),
            ("pipe", super::pipe),
            ("plugin", super::plugin),
        ];
        for (name, door) in doors {
            let files = fs::read_dir(corpora.join(name)).expect("a corpus");
            let mut count = 0;
            for file in files {
                let file = file.expect("a file").path();
                let bytes = fs::read(&file).expect("its bytes");
                let outcome = std::panic::catch_unwind(|| door(&bytes));
                assert!(outcome.is_ok(), "{}", file.display());
                count += 1;
            }
            assert!(count > 0, "the corpus of {name} is empty");
        }
    }
}
