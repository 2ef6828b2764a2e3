//! Words of both languages for what entries name: moments, kinds, amounts.

use chrono::{DateTime, Timelike as _};
use chrono_tz::Tz;
use plugin_api::{Kind, Timestamp};

use super::Language;
use crate::quota::kind_name;

/// A moment for people: `2026-11-23 17:15 UTC`, with seconds where there are any; `2026年11月23日 17:15 UTC`.
pub fn moment(at: Timestamp, language: Language, zone: Tz) -> String {
    let Some(time) = DateTime::from_timestamp_micros(at.micros()).map(|time| time.with_timezone(&zone)) else {
        return at.to_string();
    };
    let day = match language {
        Language::English => "%Y-%m-%d",
        Language::Japanese => "%Y年%-m月%-d日",
    };
    let clock = if time.second() == 0 { "%H:%M" } else { "%H:%M:%S" };
    time.format(&format!("{day} {clock} %Z")).to_string()
}

/// The kind of a backup.
pub(super) fn kind(kind: Kind, language: Language) -> &'static str {
    match (kind, language) {
        (kind, Language::English) => kind_name(kind),
        (Kind::Full, Language::Japanese) => "フルバックアップ",
        (Kind::Custom, Language::Japanese) => "カスタムバックアップ",
        (Kind::Incremental, Language::Japanese) => "増分バックアップ",
    }
}

/// A number in groups of three digits.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
