//! Codes and tokens. It keeps no clock of its own.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::server::faults::mix;
use crate::server::surface::Scopes;

/// Live access tokens; one more, and the oldest is dropped.
const MAX_LIVE: usize = 15;
/// New access tokens in [`WINDOW`].
const MAX_NEW: usize = 10;
/// For tokens of an hour; for shorter ones in proportion, or a client that renews them in time would be refused.
const WINDOW: Duration = Duration::from_mins(10);
const HOUR: Duration = Duration::from_hours(1);
/// How long a code can be exchanged.
const CODE_LIFE: Duration = Duration::from_mins(10);

/// What a token endpoint refuses, as it calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    InvalidCode,
    InvalidClient,
    AccessDenied,
}

/// A new access token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Granted {
    pub(crate) access: String,
    pub(crate) scopes: Scopes,
}

#[derive(Clone, Copy)]
struct Live {
    until: Instant,
    scopes: Scopes,
}

/// All that was given out.
pub(crate) struct Tokens {
    seed: u64,
    made: u64,
    life: Duration,
    refresh: HashMap<String, Scopes>,
    codes: HashMap<String, Live>,
    access: HashMap<String, Live>,
    order: VecDeque<String>,
    recent: VecDeque<Instant>,
}

impl Tokens {
    /// A desk with one refresh token, which is returned.
    pub(crate) fn new(seed: u64, life: Duration, scopes: Scopes) -> (Self, String) {
        let mut tokens = Self {
            seed,
            made: 0,
            life,
            refresh: HashMap::new(),
            codes: HashMap::new(),
            access: HashMap::new(),
            order: VecDeque::new(),
            recent: VecDeque::new(),
        };
        let refresh = tokens.new_refresh(scopes);
        (tokens, refresh)
    }

    /// Another refresh token, for which as many access tokens can be had as if none had been.
    pub(crate) fn anew(&mut self, scopes: Scopes) -> String {
        self.recent.clear();
        self.new_refresh(scopes)
    }

    /// A code that can be exchanged once.
    pub(crate) fn code(&mut self, scopes: Scopes, now: Instant) -> String {
        self.codes.retain(|_, code| now < code.until);
        let code = self.word();
        self.codes.insert(
            code.clone(),
            Live {
                until: now + CODE_LIFE,
                scopes,
            },
        );
        code
    }

    /// Exchanges a code for a refresh token and an access token.
    pub(crate) fn exchange(&mut self, code: &str, now: Instant) -> Result<(String, Granted), Refusal> {
        let code = self
            .codes
            .remove(code)
            .filter(|code| now < code.until)
            .ok_or(Refusal::InvalidCode)?;
        let granted = self.grant(code.scopes, now)?;
        Ok((self.new_refresh(code.scopes), granted))
    }

    /// A new access token for a refresh token.
    pub(crate) fn refresh(&mut self, token: &str, now: Instant) -> Result<Granted, Refusal> {
        let scopes = *self.refresh.get(token).ok_or(Refusal::InvalidCode)?;
        self.grant(scopes, now)
    }

    /// Forgets an access token; or a refresh token and, as they are not told apart, every access token.
    pub(crate) fn revoke(&mut self, token: &str) -> bool {
        if self.access.remove(token).is_some() {
            self.order.retain(|access| access != token);
            return true;
        }
        let known = self.refresh.remove(token).is_some();
        if known {
            self.access.clear();
            self.order.clear();
        }
        known
    }

    /// Ends all access tokens.
    pub(crate) fn end_access(&mut self) {
        self.access.clear();
        self.order.clear();
    }

    /// Ends all tokens, as if a person had revoked what was granted.
    pub(crate) fn end_all(&mut self) {
        self.end_access();
        self.refresh.clear();
        self.codes.clear();
    }

    /// What a live access token may read.
    pub(crate) fn scopes(&self, access: &str, now: Instant) -> Option<Scopes> {
        self.access
            .get(access)
            .filter(|live| now < live.until)
            .map(|live| live.scopes)
    }

    fn grant(&mut self, scopes: Scopes, now: Instant) -> Result<Granted, Refusal> {
        let window = WINDOW.mul_f64((self.life.as_secs_f64() / HOUR.as_secs_f64()).min(1.0));
        while self
            .recent
            .front()
            .is_some_and(|made| now.duration_since(*made) >= window)
        {
            self.recent.pop_front();
        }
        if self.recent.len() >= MAX_NEW {
            return Err(Refusal::AccessDenied);
        }
        self.recent.push_back(now);
        let access = self.word();
        self.access.insert(
            access.clone(),
            Live {
                until: now + self.life,
                scopes,
            },
        );
        self.order.push_back(access.clone());
        if self.order.len() > MAX_LIVE
            && let Some(oldest) = self.order.pop_front()
        {
            self.access.remove(&oldest);
        }
        Ok(Granted { access, scopes })
    }

    fn new_refresh(&mut self, scopes: Scopes) -> String {
        let token = self.word();
        self.refresh.insert(token.clone(), scopes);
        token
    }

    /// A word in the form of the service's tokens. It is no secret: what it opens is sample data on this machine.
    fn word(&mut self) -> String {
        self.made += 1;
        let hash = mix(self.seed ^ mix(self.made));
        format!(
            "1000.{hash:016x}{:016x}.{:016x}{:016x}",
            mix(hash),
            mix(hash ^ 1),
            mix(hash ^ 2)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(life: Duration) -> (Tokens, String) {
        Tokens::new(1, life, Scopes::default())
    }

    #[test]
    fn an_access_token_lives_its_life() {
        let now = Instant::now();
        let (mut tokens, refresh) = tokens(HOUR);
        let granted = tokens.refresh(&refresh, now).unwrap();
        assert!(tokens.scopes(&granted.access, now + Duration::from_mins(59)).is_some());
        assert!(tokens.scopes(&granted.access, now + HOUR).is_none());
        assert!(tokens.scopes("1000.x", now).is_none());
        assert_eq!(tokens.refresh("1000.x", now), Err(Refusal::InvalidCode));
        assert_eq!(tokens.refresh(&granted.access, now), Err(Refusal::InvalidCode));
    }

    #[test]
    fn a_code_is_exchanged_once_and_in_time() {
        let now = Instant::now();
        let (mut tokens, first) = tokens(HOUR);
        let code = tokens.code(Scopes::default(), now);
        let (refresh, granted) = tokens.exchange(&code, now).unwrap();
        assert_ne!(refresh, first);
        assert!(tokens.scopes(&granted.access, now).is_some());
        assert!(tokens.refresh(&refresh, now).is_ok());
        assert_eq!(tokens.exchange(&code, now), Err(Refusal::InvalidCode));
        let late = tokens.code(Scopes::default(), now);
        assert_eq!(tokens.exchange(&late, now + CODE_LIFE), Err(Refusal::InvalidCode));
    }

    #[test]
    fn the_eleventh_in_ten_minutes_is_refused() {
        let now = Instant::now();
        let (mut tokens, refresh) = tokens(HOUR);
        for _ in 0..MAX_NEW {
            tokens.refresh(&refresh, now).unwrap();
        }
        assert_eq!(
            tokens.refresh(&refresh, now + Duration::from_mins(9)),
            Err(Refusal::AccessDenied)
        );
        assert!(tokens.refresh(&refresh, now + WINDOW).is_ok());
    }

    #[test]
    fn who_renews_short_tokens_in_time_is_not_refused() {
        let mut now = Instant::now();
        let life = Duration::from_millis(200);
        let (mut tokens, refresh) = tokens(life);
        for _ in 0..1000 {
            now += life / 10;
            tokens.refresh(&refresh, now).unwrap();
        }
    }

    #[test]
    fn the_oldest_of_too_many_is_dropped() {
        let start = Instant::now();
        let (mut tokens, refresh) = tokens(HOUR);
        let at = |index: usize| start + Duration::from_mins(2 * index as u64);
        let all: Vec<String> = (0..=MAX_LIVE)
            .map(|index| tokens.refresh(&refresh, at(index)).unwrap().access)
            .collect();
        assert!(tokens.scopes(&all[0], at(MAX_LIVE)).is_none());
        assert!(
            all[1..]
                .iter()
                .all(|access| tokens.scopes(access, at(MAX_LIVE)).is_some())
        );
    }

    #[test]
    fn what_is_revoked_is_dead() {
        let now = Instant::now();
        let (mut tokens, refresh) = tokens(HOUR);
        let granted = tokens.refresh(&refresh, now).unwrap();
        assert!(tokens.revoke(&refresh));
        assert!(!tokens.revoke(&refresh));
        assert!(tokens.scopes(&granted.access, now).is_none());
        assert_eq!(tokens.refresh(&refresh, now), Err(Refusal::InvalidCode));
    }
}
