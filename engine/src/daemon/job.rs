//! What a backup's process is told on its standard input: a line of JSON, then the text of a configuration.
//!
//! The text that the daemon has validated is sent, not the file's name: what runs is what was found right, whatever has
//! become of the file since. Of it the process gets what the backup of its desk needs, and nothing of other desks, of people and
//! of messages: plugins can read its memory. It may hold secrets, so it is never part of the JSON, and [`Job`] has no `Debug`.

use std::io::{self, BufRead, Read as _};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::{Config, Problems, excerpt};
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
    /// For the pipe: of the text only what the order's desk needs.
    pub(super) fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let text = excerpt(&self.text.bytes, &self.order.desk);
        let text = text.ok_or_else(|| {
            let message = format!("{} has no desk {}", self.text.file, self.order.desk);
            io::Error::new(io::ErrorKind::NotFound, message)
        })?;
        let head = Head {
            order: self.order.clone(),
            file: self.text.file.clone(),
            folder: self.text.folder.clone(),
            grace_ms: u64::try_from(self.grace.as_millis()).unwrap_or(u64::MAX),
            text: text.len(),
        };
        let mut bytes = serde_json::to_vec(&head)?;
        bytes.push(b'\n');
        bytes.extend_from_slice(text.as_bytes());
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
    use std::collections::BTreeSet;
    use std::io::Read as _;
    use std::path::Path;
    use std::time::Duration;

    use plugin_api::{Kind, Timestamp};

    use super::{Job, Text};
    use crate::config::Config;
    use crate::daemon::child::secrets_in;
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
                bytes: "# 票\n[[desk]]\nname = \"main\"\nmodules = [\"票\\\"\\\\\"]\n".into(),
            },
            grace: Duration::from_millis(1500),
        };
        let mut bytes = job.to_bytes().unwrap();
        bytes.extend_from_slice(b"more");
        let mut input = bytes.as_slice();
        let read = Job::read(&mut input).map_err(|error| error.to_string()).ok().unwrap();
        assert_eq!((&read.order, read.grace), (&job.order, job.grace));
        assert_eq!((&read.text.file, &read.text.folder), (&job.text.file, &job.text.folder));
        let text: toml::Table = String::from_utf8(read.text.bytes).unwrap().parse().unwrap();
        let sent: toml::Table = String::from_utf8(job.text.bytes).unwrap().parse().unwrap();
        assert_eq!(text, sent);
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
                bytes: b"[[desk]]\nname = \"main\"\n".into(),
            },
            grace: Duration::ZERO,
        };
        let good = job.to_bytes().unwrap();
        let text = String::from_utf8(good.clone()).unwrap();
        let (line, behind) = text.split_once('\n').unwrap();
        let length = format!("\"text\":{}}}", behind.len());
        assert!(line.ends_with(&length), "{line}");
        for bad in [
            String::new(),
            "\n".into(),
            "{}\n".into(),
            text[..text.len() - 1].to_owned(),
            text[..40].to_owned(),
            text.replace(&length, "\"text\":1048577}"),
            text.replace(&length, "\"text\":-5}"),
            text.replace("\"file\"", "\"feil\""),
            "x".repeat(1 << 21),
        ] {
            let read = Job::read(&mut bad.as_bytes());
            assert!(read.is_err(), "{}", &bad[..bad.len().min(100)]);
        }
        assert!(Job::read(&mut good.as_slice()).is_ok());
    }
    #[test]
    fn what_is_of_others_is_not_told() {
        let text = r#"
            [mail]
            host = "smtp.example.com"
            security = "tls"
            user = "deskvault"
            password = "of-the-mail"
            from = "deskvault@example.com"
            [[webhook]]
            url = "https://hooks.example.com/of-the-url"
            secret = "of-the-webhook"
            [[desk]]
            name = "main"
            modules = ["tickets"]
            connection = { kind = "http", url = "https://a.example", auth = "bearer", token = "its-own" }
            [[desk]]
            name = "other"
            modules = ["tickets"]
            connection = { kind = "http", url = "https://b.example", auth = "bearer", token = "of-the-other" }
        "#;
        let job = Job {
            order: order(),
            text: Text {
                file: "a.toml".into(),
                folder: "/etc".into(),
                bytes: text.into(),
            },
            grace: Duration::ZERO,
        };
        assert!(job.text.parse().is_ok());
        let told = job.to_bytes().unwrap();
        let read = Job::read(&mut told.as_slice())
            .map_err(|error| error.to_string())
            .ok()
            .unwrap();
        assert!(read.text.parse().is_ok_and(|config| config.desks.len() == 1));
        let told = String::from_utf8(told).unwrap();
        assert!(told.contains("its-own"), "{told}");
        for secret in ["of-the-", "b.example", "smtp.example"] {
            assert!(!told.contains(secret), "{secret}: {told}");
        }
        let order = crate::service::Order {
            desk: "third".into(),
            ..order()
        };
        let error = Job { order, ..job }.to_bytes().unwrap_err();
        assert_eq!(error.to_string(), "a.toml has no desk third");
    }
    #[test]
    fn every_variable_with_a_secret_is_known() {
        const FULL: &str = include_str!("../../../config/full.toml");
        let config = Config::parse("full.toml", FULL.as_bytes(), Path::new("/"));
        let config = config.map_err(|problems| problems.to_string()).ok().unwrap();
        let known: BTreeSet<String> = secrets_in(&config).into_iter().map(|(_, name)| name).collect();
        let lines = FULL.lines().filter(|line| !line.starts_with('#'));
        let named: BTreeSet<String> = lines
            .filter_map(|line| Some(line.split_once("_env = \"")?.1.trim_end_matches('"').to_owned()))
            .collect();
        assert!(named.len() >= 6, "{named:?}");
        assert_eq!(known, named, "plugins would read it in their environment");
    }
}
