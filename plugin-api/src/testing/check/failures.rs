//! A desk that fails: whole, or at one request.

use super::compare::{difference, rows_of};
use super::{Suite, identity, sample, shown};
use crate::testing::reply::Reply;
use crate::testing::run::Run;
use crate::{ErrorKind, Exporter};

/// Requests that are made to fail, one at a time.
const MOST_REQUESTS: usize = 24;

const HTML: &str = "<!DOCTYPE html><html><body>Please log in</body></html>";

impl<E: Exporter, F: Fn() -> E> Suite<'_, F> {
    /// The same failure at every request.
    pub(super) fn failing_desk(&self) {
        if self.asked.is_empty() {
            return;
        }
        for (check, when, reply, expected) in [
            ("forbidden", "403 everywhere", Reply::status(403), ErrorKind::Forbidden),
            (
                "forbidden",
                "401 everywhere",
                Reply::status(401),
                ErrorKind::Unauthorized,
            ),
            ("failing desk", "500 everywhere", Reply::status(500), ErrorKind::Http),
            ("failing desk", "no network", Reply::network_error(), ErrorKind::Network),
            (
                "unreadable answer",
                "HTML everywhere",
                Reply::bytes(200, HTML),
                ErrorKind::Decode,
            ),
        ] {
            let run = self.run(&self.desk.with(move |_, _| reply.clone()), &self.job());
            if !self.no_crash(check, when, &run) {
                continue;
            }
            let advice = "pass the error on as it is: the engine tells by its kind whether a module is left out, whether \
                          the credentials are wrong, or whether the backup is incomplete";
            match &run.result {
                Err(error) if error.kind == expected => {}
                Err(error) => {
                    let what = format!(
                        "{when}: it ended with {:?} in place of {expected:?}: {error}",
                        error.kind
                    );
                    self.found(check, what, advice);
                }
                Ok(()) => self.found(check, format!("{when}: it ended as if it were whole"), advice),
            }
        }
    }

    /// A failure at one request.
    pub(super) fn failing_requests(&self) {
        for at in sample(self.asked.len(), MOST_REQUESTS) {
            for (failure, reply) in [
                ("403", Reply::status(403)),
                ("404", Reply::status(404)),
                ("500", Reply::status(500)),
                ("no network", Reply::network_error()),
            ] {
                let may_be_gone = failure == "404";
                if let Some((when, run)) = self.with_reply("failing request", at, failure, reply) {
                    self.nothing_lost("failing request", &when, &run, may_be_gone);
                }
            }
        }
    }

    /// An answer at one request that is not what it should be.
    pub(super) fn unreadable_answers(&self) {
        const CHECK: &str = "unreadable answer";
        for at in sample(self.asked.len(), MOST_REQUESTS) {
            let (_, reply) = &self.asked[at];
            if reply.to_value().is_none() {
                continue;
            }
            let Ok(answer) = &reply.outcome else { continue };
            let half = answer.body[..answer.body.len() / 2].to_vec();
            for (failure, body) in [
                ("HTML", HTML.as_bytes().to_vec()),
                ("half of the JSON", half),
                ("a number", b"42".to_vec()),
                ("an empty body with 200", Vec::new()),
            ] {
                let Some((when, run)) = self.with_reply(CHECK, at, failure, reply.clone().with_body(body)) else {
                    continue;
                };
                self.nothing_lost(CHECK, &when, &run, false);
                if let Err(error) = &run.result
                    && error.kind != ErrorKind::Decode
                {
                    let what = format!("{when}: it ended with {:?} in place of Decode: {error}", error.kind);
                    let advice = "read answers with records(), json(), at() and record(), and pass their errors on";
                    self.found(CHECK, what, advice);
                }
            }
        }
    }

    /// Runs with another reply to one request.
    fn with_reply(&self, check: &'static str, at: usize, failure: &str, reply: Reply) -> Option<(String, Run)> {
        let (request, _) = &self.asked[at];
        let when = format!("{failure} at {}", shown(request));
        let wanted = identity(request);
        let desk = self.desk.with(move |request, usual| {
            if identity(request) == wanted {
                reply.clone()
            } else {
                usual
            }
        });
        let run = self.run(&desk, &self.job());
        self.no_crash(check, &when, &run).then_some((when, run))
    }

    /// `Ok` only with every row, or with a note on those that are missing.
    fn nothing_lost(&self, check: &'static str, when: &str, run: &Run, may_be_gone: bool) {
        let told = !run.unread().is_empty() || may_be_gone && !run.gone().is_empty();
        if run.result.is_err() || told {
            return;
        }
        if let Some(what) = difference(&rows_of(&self.base), &rows_of(run)) {
            let advice = "an exporter that can't read something returns the error, or tells it with out.unread() (or \
                          out.gone(), if the desk says 404) and goes on; never Ok with rows missing";
            self.found(
                check,
                format!("{when}: it ended as if it were whole, but {what}"),
                advice,
            );
        }
    }
}
