//! What a backup's process is told on its standard input: a line of JSON, then the configuration's text as it is.
//!
//! The text that the daemon has validated is sent, not the file's name: what runs is what was found right, whatever has
//! become of the file since. It may hold secrets, so it is never part of the JSON, and [`Job`] has no `Debug`.

use std::io::{self, BufRead, Read as _};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::{Config, Problems};
use crate::service::Order;

/// The longest line. An order takes a few hundred bytes, and its checkpoints at most [`LONGEST_RECORD`](crate::store::LONGEST_RECORD)
/// for each module; this is as many as there will ever be.
const LONGEST: u64 = 1 << 30;
/// The longest text of a configuration; `config` takes no longer file.
const LARGEST: usize = 1 << 20;

/// One backup, and the configuration that holds for it.
#[derive(Clone)]
pub(super) struct Job {
    pub(super) order: Order,
    pub(super) text: Text,
    /// How long the process gets to end when it was told to.
    pub(super) grace: Duration,
}

/// A configuration as it was read.
#[derive(Clone)]
pub(super) struct Text {
    /// The file, as messages call it.
    pub(super) file: String,
    /// The folder at which relative paths start.
    pub(super) folder: PathBuf,
    /// What it says.
    pub(super) bytes: Vec<u8>,
}

impl Text {
    pub(super) fn parse(&self) -> Result<Config, Problems> {
        Config::parse(&self.file, &self.bytes, &self.folder)
    }
}

/// The line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    order: Order,
    file: String,
    folder: PathBuf,
    grace_ms: u64,
    /// Bytes of text behind the line.
    text: usize,
}

impl Job {
    /// For the pipe.
    pub(super) fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let head = Head {
            order: self.order.clone(),
            file: self.text.file.clone(),
            folder: self.text.folder.clone(),
            grace_ms: u64::try_from(self.grace.as_millis()).unwrap_or(u64::MAX),
            text: self.text.bytes.len(),
        };
        let mut bytes = serde_json::to_vec(&head)?;
        bytes.push(b'\n');
        bytes.extend_from_slice(&self.text.bytes);
        Ok(bytes)
    }

    /// From the pipe, and no byte more.
    pub(super) fn read(input: &mut impl BufRead) -> io::Result<Self> {
        let mut line = Vec::new();
        input.by_ref().take(LONGEST).read_until(b'\n', &mut line)?;
        if line.pop() != Some(b'\n') {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "no line with an order"));
        }
        let head: Head = serde_json::from_slice(&line)?;
        if head.text > LARGEST {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a configuration of more than 1 MiB",
            ));
        }
        let mut bytes = vec![0; head.text];
        input.read_exact(&mut bytes)?;
        Ok(Self {
            order: head.order,
            text: Text {
                file: head.file,
                folder: head.folder,
                bytes,
            },
            grace: Duration::from_millis(head.grace_ms),
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Read as _;
    use std::time::Duration;

    use plugin_api::{Kind, Timestamp};

    use super::{Job, Text};
    use crate::service::Order;

    pub(in crate::daemon) fn order() -> Order {
        Order {
            name: "backup 7 of main".into(),
            desk: "main".into(),
            modules: vec!["tickets".into()],
            kind: Kind::Full,
            range: None,
            started: Timestamp::from_micros(1_900_000_000_000_000),
            until: None,
            folder: None,
            allow_partial: false,
            spool: None,
            resume: Vec::new(),
            past: Vec::new(),
            finish: false,
            trusted: Vec::new(),
        }
    }

    #[test]
    fn comes_out_as_it_went_in() {
        let job = Job {
            order: order(),
            text: Text {
                file: "etc/a.toml".into(),
                folder: "/etc".into(),
                bytes: "# 票\n\"\\\u{0}".into(),
            },
            grace: Duration::from_millis(1500),
        };
        let mut bytes = job.to_bytes().unwrap();
        bytes.extend_from_slice(b"more");
        let mut input = bytes.as_slice();
        let read = Job::read(&mut input).map_err(|error| error.to_string()).ok().unwrap();
        assert_eq!((&read.order, read.grace), (&job.order, job.grace));
        assert_eq!(
            (&read.text.file, &read.text.folder, &read.text.bytes),
            (&job.text.file, &job.text.folder, &job.text.bytes)
        );
        let mut rest = String::new();
        input.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "more");
    }

    #[test]
    fn what_is_no_job_is_refused() {
        let job = Job {
            order: order(),
            text: Text {
                file: "f".into(),
                folder: "/".into(),
                bytes: b"12345".into(),
            },
            grace: Duration::ZERO,
        };
        let good = job.to_bytes().unwrap();
        let text = String::from_utf8(good.clone()).unwrap();
        for bad in [
            String::new(),
            "\n".into(),
            "{}\n".into(),
            text[..text.len() - 1].to_owned(),
            text[..40].to_owned(),
            text.replace("\"text\":5", "\"text\":1048577"),
            text.replace("\"text\":5", "\"text\":-5"),
            text.replace("\"file\"", "\"feil\""),
            "x".repeat(1 << 21),
        ] {
            let read = Job::read(&mut bad.as_bytes());
            assert!(read.is_err(), "{}", &bad[..bad.len().min(100)]);
        }
        assert!(Job::read(&mut good.as_slice()).is_ok());
    }
}
