//! What goes wrong on purpose, one thing at a time: at a share of the requests, at a chosen one, or by path.

use std::fmt;
use std::str::FromStr;

/// One thing that goes wrong, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// What.
    pub trouble: Trouble,
    /// With which requests.
    pub when: When,
    /// Only with those whose path has this in it.
    pub path: Option<String>,
}

/// With which requests something goes wrong. The first request has the number 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// With so many of a thousand, which the seed chooses.
    Share(u32),
    /// With this one and as many behind it.
    At(u64, u64),
}

macro_rules! troubles {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What goes wrong with a request.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Trouble {
            $($(#[$doc])* $variant,)*
        }

        impl Trouble {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

troubles! {
    /// 429 `TOO_MANY_REQUESTS`.
    Throttled = "throttled",
    /// 429 `THRESHOLD_EXCEEDED`, with a `Retry-After` of a second.
    Spent = "spent",
    /// 500 `INTERNAL_SERVER_ERROR`.
    Failed = "failed",
    /// 502 with HTML.
    BadGateway = "bad-gateway",
    /// 503 with HTML.
    Unavailable = "unavailable",
    /// 504 with HTML.
    GatewayTimeout = "gateway-timeout",
    /// 503 with a `Retry-After` that is a date: now, by a clock that is a day ahead.
    Busy = "busy",
    /// The desk is away for 100 ms: all connections are closed, and new ones are refused.
    Down = "down",
    /// The connection is closed without an answer.
    Closed = "closed",
    /// The connection is reset without an answer.
    Reset = "reset",
    /// Half of the body comes, and the connection is closed.
    HalfBody = "half-body",
    /// Half of the body comes, and then nothing.
    Stalled = "stalled",
    /// A body that does not end.
    Endless = "endless",
    /// The body is shorter than the head says.
    WrongLength = "wrong-length",
    /// 200 with HTML.
    Html = "html",
    /// 200 with half of the JSON, as if it were all.
    HalfJson = "half-json",
    /// 200 with bytes that are no UTF-8.
    NotUtf8 = "not-utf8",
    /// 200 with nothing.
    Nothing = "nothing",
    /// The answer, packed, and half of that.
    CutGzip = "cut-gzip",
    /// 401 `INVALID_OAUTH`: all access tokens have ended, and a new one is good.
    TokenEnded = "token-ended",
    /// The refresh token is revoked, and all access tokens with it.
    Revoked = "revoked",
    /// A record is deleted before the request is answered.
    Deleted = "deleted",
    /// A record is made before the request is answered, if [any](crate::Life::to_come) is to come.
    Created = "created",
    /// A page of a list is the one before that which was asked for. Requests for first pages are not counted.
    Repeats = "repeats",
    /// The answer takes a second longer.
    Slow = "slow",
    /// The answer bears a date of tomorrow.
    Ahead = "ahead",
    /// The answer bears a date of yesterday.
    Behind = "behind",
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.trouble.name())?;
        match self.when {
            When::Share(share) => write!(f, "@{share}")?,
            When::At(number, 0) => write!(f, "#{number}")?,
            When::At(number, more) => write!(f, "#{number}+{more}")?,
        }
        match &self.path {
            Some(path) => write!(f, ":{path}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Planned {
    type Err = String;

    /// Reads `NAME@SHARE`, `NAME#NUMBER` or `NAME#NUMBER+MORE`, with `:PATH` behind it where only some paths are meant.
    fn from_str(text: &str) -> Result<Self, String> {
        let (what, path) = match text.split_once(':') {
            Some((what, path)) => (what, Some(path.to_owned())),
            None => (text, None),
        };
        let number = |text: &str| {
            let read = text.parse::<u64>();
            read.map_err(|_| format!("{text:?} is no whole number"))
        };
        let (name, when) = if let Some((name, share)) = what.split_once('@') {
            let share = u32::try_from(number(share)?).unwrap_or(u32::MAX);
            if share > 1000 {
                return Err(format!("{share} is more than all of a thousand requests"));
            }
            (name, When::Share(share))
        } else if let Some((name, at)) = what.split_once('#') {
            let (first, more) = at.split_once('+').unwrap_or((at, "0"));
            (name, When::At(number(first)?, number(more)?))
        } else {
            return Err("say when it goes wrong: reset@10 for ten of a thousand requests, reset#500 for one".into());
        };
        let trouble = Trouble::ALL.iter().find(|trouble| trouble.name() == name);
        let trouble = *trouble.ok_or_else(|| {
            let names: Vec<&str> = Trouble::ALL.iter().map(|trouble| trouble.name()).collect();
            format!("{name:?} is none of {}", names.join(", "))
        })?;
        Ok(Self { trouble, when, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_planned_is_written_as_it_is_read() {
        for trouble in Trouble::ALL {
            for when in ["@10", "#0", "#500+99", "@1000:/tickets/", "#7:/threads:x"] {
                let text = format!("{}{when}", trouble.name());
                assert_eq!(text.parse::<Planned>().unwrap().to_string(), text);
            }
        }
        for (text, why) in [
            ("reset", "say when"),
            ("reset@1001", "a thousand"),
            ("reset@-1", "no whole number"),
            ("reset#", "no whole number"),
            ("reset#1+", "no whole number"),
            ("rest@1", "\"rest\" is none of throttled, spent"),
        ] {
            let refused = text.parse::<Planned>().unwrap_err();
            assert!(refused.contains(why), "{text}: {refused}");
        }
    }
}
