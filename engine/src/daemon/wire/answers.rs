//! What the daemon answers to checkpoints, and a process that waits for it.

use std::collections::BTreeMap;
use std::io::{BufRead, Read as _};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long an answer is waited for: a daemon that cannot write its store for that long holds up no backup.
const PATIENCE: Duration = Duration::from_mins(2);
/// The longest line, in bytes.
const LONGEST: u64 = 1 << 16;

/// A line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// The number of the checkpoint in this conversation.
    number: u64,
    /// Why it was not kept, where it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// The line for a checkpoint.
pub(super) fn answer(number: u64, kept: Result<(), String>) -> Vec<u8> {
    let why = kept.err().map(|mut why| {
        // In JSON a character takes six bytes at most.
        why.truncate(why.floor_char_boundary((LONGEST / 8) as usize));
        why
    });
    let mut line = serde_json::to_vec(&Line { number, why }).unwrap_or_default();
    line.push(b'\n');
    line
}

/// The answers that a process gets. Clones are of the same ones.
#[derive(Clone, Default)]
pub(in crate::daemon) struct Answers(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Default)]
struct State {
    asked: u64,
    /// What is waited for, and what came of it.
    open: BTreeMap<u64, Option<Result<(), String>>>,
    /// Whether no answer comes any more.
    over: bool,
}

impl Answers {
    /// The number of a question that is about to be asked.
    pub(super) fn ask(&self) -> u64 {
        let mut state = self.lock();
        state.asked += 1;
        let number = state.asked;
        state.open.insert(number, None);
        number
    }

    /// Waits for the answer to a question that was asked. The error says why it is not known that the checkpoint was kept.
    pub(super) fn wait(&self, number: u64) -> Result<(), String> {
        self.wait_for(number, PATIENCE)
    }

    fn wait_for(&self, number: u64, patience: Duration) -> Result<(), String> {
        let unanswered = |state: &mut State| !state.over && matches!(state.open.get(&number), Some(None));
        let waited = self.0.news.wait_timeout_while(self.lock(), patience, unanswered);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let answer = state.open.remove(&number).flatten();
        answer.unwrap_or_else(|| {
            Err(if state.over {
                "the daemon has told this backup to end, or is gone".to_owned()
            } else {
                format!("the daemon has not answered within {} s", patience.as_secs())
            })
        })
    }

    /// Hears the daemon until it says no more.
    pub(in crate::daemon) fn hear(&self, mut input: impl BufRead) {
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = input.by_ref().take(LONGEST).read_until(b'\n', &mut line);
            if !matches!(read, Ok(1..)) {
                break;
            }
            // What else may come has no meaning.
            let Ok(Line { number, why }) = serde_json::from_slice(&line) else {
                continue;
            };
            if let Some(open) = self.lock().open.get_mut(&number) {
                *open = Some(why.map_or(Ok(()), Err));
            }
            self.0.news.notify_all();
        }
        self.lock().over = true;
        self.0.news.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::{Answers, answer};

    #[test]
    fn each_gets_its_own_answer() {
        let answers = Answers::default();
        let (first, second, third) = (answers.ask(), answers.ask(), answers.ask());
        let said = [
            answer(second, Err("no room".into())),
            b"{\"number\":99}\nwhat?\n".to_vec(),
            answer(first, Ok(())),
        ];
        thread::scope(|scope| {
            let waits = [first, second, third].map(|number| {
                let answers = answers.clone();
                scope.spawn(move || answers.wait(number))
            });
            answers.hear(said.concat().as_slice());
            let [first, second, third] = waits.map(|wait| wait.join().unwrap());
            assert_eq!((first, second), (Ok(()), Err("no room".to_owned())));
            assert!(third.unwrap_err().contains("is gone"));
        });
    }

    #[test]
    fn nobody_waits_for_ever() {
        let answers = Answers::default();
        let number = answers.ask();
        let said = answers.wait_for(number, Duration::from_millis(1)).unwrap_err();
        assert!(said.contains("has not answered"), "{said}");
        assert!(answers.lock().open.is_empty());
    }

    #[test]
    fn a_long_reason_is_cut() {
        let answers = Answers::default();
        let number = answers.ask();
        answers.hear(answer(number, Err("\u{1}".repeat(1 << 20))).as_slice());
        assert!(answers.wait(number).unwrap_err().starts_with('\u{1}'));
    }
}
