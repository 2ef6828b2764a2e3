use std::io::{self, Read as _, Write};
use std::sync::Mutex;
use std::thread;

use plugin_api::Timestamp;

use super::{Broken, Ear, LONGEST, LONGEST_CHECKPOINT, Mouth};
use crate::archive::{Digest, ModuleState};
use crate::backup::{Checkpoint, Forgetful, Keeper, Memory, Said};
use crate::cli::summary::sample;
use crate::forecast::{Cost, Forecast};
use crate::progress::{Event, Phase, Progress, Silent, Summary};
use crate::quota::Refusal;
use crate::service::RunError;

/// Keeps what it is told, as JSON.
#[derive(Default)]
struct Kept(Mutex<Vec<String>>);

impl Progress for Kept {
    fn event(&self, event: Event<'_>) {
        self.0.lock().unwrap().push(serde_json::to_string(&event).unwrap());
    }
}

type End = Option<Result<Box<Summary>, RunError>>;

/// What is understood of an output that comes in pieces of `size` bytes.
fn hear(said: &[u8], size: usize) -> (Vec<String>, Result<End, Broken>) {
    let (mut ear, kept) = (Ear::default(), Kept::default());
    let broken = said
        .chunks(size)
        .find_map(|piece| ear.hear(piece, &kept, &Forgetful).err());
    let end = broken.map_or_else(|| ear.end(), Err);
    (kept.0.into_inner().unwrap(), end)
}

const STARTED: &str = "{\"event\":\"module_started\",\"module\":\"tickets\"}\n";

#[test]
fn every_event_comes_through() {
    let forecast = Forecast {
        at: Timestamp::from_micros(1),
        requests: 2,
        credits: Some(3),
        spent: 4,
        days: 5,
        waits_until: Some(Timestamp::from_micros(7)),
        done: Some(Timestamp::from_micros(6)),
        is_whole: true,
        modules: vec![Cost {
            module: "m".into(),
            rows: 1,
            requests: 2,
            credits: 3,
        }],
    };
    let all = [
        Event::ModuleStarted { module: "票 \"\n" },
        Event::Module {
            module: "m",
            rows: u64::MAX,
            expected: None,
            bytes: 1,
            requests: 2,
            in_flight: 3,
            retries: 4,
            note: Some("n"),
        },
        Event::ModuleEnded {
            module: "m",
            state: ModuleState::Failed,
            reason: Some("r"),
        },
        Event::Waiting { running: "main-full" },
        Event::Paused {
            until: Timestamp::from_micros(5),
            left: 6,
            reserve: 7,
        },
        Event::Forecast { forecast: &forecast },
        Event::Phase {
            name: Phase::Verifying,
            done: 1,
            total: 2,
        },
    ];
    for event in &all {
        // What is added here belongs into the list above, and into `Line`.
        match event {
            Event::ModuleStarted { .. }
            | Event::Module { .. }
            | Event::ModuleEnded { .. }
            | Event::Waiting { .. }
            | Event::Paused { .. }
            | Event::Forecast { .. }
            | Event::Phase { .. } => {}
        }
    }
    for size in [1, 7, 100_000] {
        let mut said = Vec::new();
        let mouth = Mouth::new(&mut said);
        for event in &all {
            mouth.event(*event);
        }
        mouth.end(Ok(sample())).unwrap();
        let (events, end) = hear(&said, size);
        let told: Vec<_> = all.iter().map(|event| serde_json::to_string(event).unwrap()).collect();
        assert_eq!(events, told);
        assert_eq!(end, Ok(Some(Ok(Box::new(sample())))));
    }
}

#[test]
fn every_error_comes_through() {
    let refusal = Refusal::Records { counted: 11, limit: 10 };
    let message = "it is broken: 票\n".to_owned();
    for error in [
        RunError::Cancelled,
        RunError::Refused { refusal },
        RunError::Configuration {
            message: message.clone(),
        },
        RunError::Failed { message },
    ] {
        let mut said = Vec::new();
        Mouth::new(&mut said).end(Err(error.clone())).unwrap();
        assert_eq!(hear(&said, 3), (vec![], Ok(Some(Err(error)))));
    }
}

#[test]
fn what_is_no_word_of_a_backup_is_refused() {
    let mut end = Vec::new();
    Mouth::new(&mut end).end(Err(RunError::Cancelled)).unwrap();
    let end = String::from_utf8(end).unwrap();
    let line = |reason| Err(Broken::Line(reason));
    for (said, events, heard) in [
        (String::new(), 0, Ok(None)),
        (STARTED.into(), 1, Ok(None)),
        (format!("{STARTED}{STARTED}"), 2, Ok(None)),
        (format!("{STARTED}{end}"), 1, Ok(Some(Err(RunError::Cancelled)))),
        (end.trim_end().into(), 0, Err(Broken::Cut)),
        (format!("{STARTED}{{\"event\":"), 1, Err(Broken::Cut)),
        (format!("{end}{end}"), 0, Err(Broken::AfterEnd)),
        (format!("{end}{STARTED}"), 0, Err(Broken::AfterEnd)),
        (format!("{end}x"), 0, Err(Broken::AfterEnd)),
        (format!("{end}\n"), 0, Err(Broken::AfterEnd)),
        (format!("{STARTED}hunter2 was here\n{end}"), 1, line("no JSON")),
        ("\n".into(), 0, line("no JSON")),
        ("[]\n".into(), 0, line("an unknown event or field")),
        ("{\"event\":\"hunter2\"}\n".into(), 0, line("an unknown event or field")),
        (
            "{\"event\":\"module_started\"}\n".into(),
            0,
            line("an unknown event or field"),
        ),
        (
            "{\"event\":\"end\",\"summary\":{}}\n".into(),
            0,
            line("an unknown event or field"),
        ),
        (
            "{\"event\":\"phase\",\"name\":\"joining\",\"done\":-1,\"total\":1}\n".into(),
            0,
            line("an unknown event or field"),
        ),
        ("x".repeat(LONGEST + 1), 0, Err(Broken::TooLong)),
        ("x".repeat(LONGEST + 1) + "\n", 0, Err(Broken::TooLong)),
        ("x".repeat(LONGEST), 0, Err(Broken::Cut)),
    ] {
        for size in [1 << 13, 1 << 22] {
            let (told, outcome) = hear(said.as_bytes(), size);
            assert_eq!(told.len(), events, "{said:.90}");
            assert_eq!(outcome, heard, "{said:.90}");
            let words = outcome.err().map(|broken| broken.to_string()).unwrap_or_default();
            assert!(!words.contains("hunter2"), "{words}");
        }
    }
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let (_, heard) = hear(b"{\"event\":\"module_started\",\"module\":\"\xff\"}\n", 4);
    assert!(matches!(heard, Err(Broken::Line(_))), "{heard:?}");
}

#[test]
fn an_end_that_is_too_long_is_shortened_and_still_an_end() {
    for (reasons, notes, length) in [
        (30_000, 0, 100),
        (1, 30_000, 100),
        (2, 1, 900_000),
        (1, 1, 2_000_000),
        (40, 40, 90_000),
    ] {
        let mut summary = sample();
        summary.reasons = vec!["票".repeat(length / 3); reasons];
        summary.notes = vec!["\u{1}".repeat(length); notes];
        summary.modules[0].reason = Some("\"".repeat(length));
        let mut said = Vec::new();
        Mouth::new(&mut said).end(Ok(summary.clone())).unwrap();
        assert!(said.len() <= LONGEST + 1, "{reasons} {notes} {length}");
        let Ok(Some(Ok(heard))) = hear(&said, 1 << 16).1 else {
            panic!("{reasons} {notes} {length}")
        };
        assert!(!heard.reasons.is_empty(), "that it is incomplete stays told");
        assert_eq!(
            (heard.rows(), &heard.archive, &heard.sha256),
            (summary.rows(), &summary.archive, &summary.sha256)
        );
    }
    let mut said = Vec::new();
    let message = "票\u{1}".repeat(LONGEST);
    Mouth::new(&mut said).end(Err(RunError::Failed { message })).unwrap();
    assert!(matches!(hear(&said, 1 << 16).1, Ok(Some(Err(RunError::Failed { .. })))));
}

#[test]
fn that_nobody_listens_is_told_at_the_end_alone() {
    struct Gone;

    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let mouth = Mouth::new(Gone);
    mouth.event(Event::ModuleStarted { module: "m" });
    assert!(mouth.end(Err(RunError::Cancelled)).is_err());
    let mut ear = Ear::default();
    assert_eq!(ear.hear(b"", &Silent, &Forgetful), Ok(()));
}

/// Keeps checkpoints, but for those of one module.
#[derive(Default)]
struct Books(Mutex<Vec<Checkpoint>>);

impl Keeper for Books {
    fn keep(&self, checkpoint: &Checkpoint) -> Result<(), String> {
        if checkpoint.module == "unlucky" {
            return Err("no room".into());
        }
        self.0.lock().unwrap().push(checkpoint.clone());
        Ok(())
    }
}

fn checkpoint(module: &str, cursor: serde_json::Value) -> Checkpoint {
    Checkpoint {
        module: module.into(),
        version: "1.0.0".into(),
        number: 1,
        source: None,
        cursor: Some(cursor),
        tables: Vec::new(),
        memory: Memory {
            bytes: 0,
            sha256: Digest([0; 32]),
        },
        said: Said::default(),
        requests: 1,
        retries: 0,
        milliseconds: 0,
        credits: 0,
        ended: None,
    }
}

/// A process at one end of two pipes and a daemon at the other.
#[test]
fn a_checkpoint_counts_when_it_is_answered() {
    let (mut from_process, to_daemon) = io::pipe().unwrap();
    let (from_daemon, mut to_process) = io::pipe().unwrap();
    let mouth = Mouth::new(to_daemon);
    let answers = mouth.answers();
    let books = Books::default();
    let long = checkpoint("long", "票".repeat(LONGEST).into());
    thread::scope(|scope| {
        let books = &books;
        let heard = scope.spawn(move || {
            let (mut ear, mut buffer) = (Ear::default(), [0; 1 << 14]);
            loop {
                let length = from_process.read(&mut buffer).unwrap();
                if length == 0 {
                    break ear.end();
                }
                ear.hear(&buffer[..length], &Silent, books).unwrap();
                to_process.write_all(&ear.answers()).unwrap();
            }
        });
        scope.spawn(move || answers.hear(io::BufReader::new(from_daemon)));
        assert_eq!(mouth.keep(&long), Ok(()));
        assert_eq!(mouth.keep(&checkpoint("unlucky", 1.into())), Err("no room".into()));
        assert_eq!(mouth.keep(&checkpoint("m", 2.into())), Ok(()));
        let too_long = checkpoint("m", "x".repeat(LONGEST_CHECKPOINT).into());
        assert!(mouth.keep(&too_long).unwrap_err().contains("bytes, more than"));
        mouth.end(Err(RunError::Cancelled)).unwrap();
        drop(mouth);
        assert_eq!(heard.join().unwrap(), Ok(Some(Err(RunError::Cancelled))));
    });
    assert_eq!(*books.0.lock().unwrap(), [long, checkpoint("m", 2.into())]);
}

#[test]
fn only_a_checkpoint_may_be_long_and_that_not_for_ever() {
    let book = Books::default();
    let hear = |begin: &str, length: usize| {
        let mut ear = Ear::default();
        let mut said = ear.hear(begin.as_bytes(), &Silent, &book);
        let piece = vec![b'x'; 1 << 14];
        for _ in 0..length / piece.len() {
            said = said.and_then(|()| ear.hear(&piece, &Silent, &book));
        }
        said
    };
    let begin = "{\"event\":\"checkpoint\",";
    assert_eq!(hear(begin, 2 * LONGEST), Ok(()));
    assert_eq!(hear(begin, LONGEST_CHECKPOINT + LONGEST), Err(Broken::TooLong));
    assert_eq!(hear("{\"event\":\"module\",", 2 * LONGEST), Err(Broken::TooLong));
}
