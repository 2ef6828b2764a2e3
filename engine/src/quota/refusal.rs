//! Why something was refused, in English and Japanese.

use std::time::Duration;

use plugin_api::{Kind, Range, Timestamp};
use serde::{Deserialize, Serialize};

use super::words::{days, kind_name, second_from, second_of, units, words};
use super::{Limits, split};
use crate::cli::figures::grouped;

/// Why something was refused, by which rule. It goes over the pipe of a backup's process and into the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum Refusal {
    /// A full backup was started not long enough ago.
    #[error(
        "a full backup of {desk} was started on {}; the next one may start on {} or later",
        words(second_of(*last)),
        words(second_from(*opens))
    )]
    FullTooSoon {
        /// The desk.
        desk: String,
        /// When the last one was started.
        last: Timestamp,
        /// The first moment at which another one may start.
        opens: Timestamp,
    },
    /// The range of a custom backup is too long.
    #[error("{}", too_long(*range, *most_seconds, *parts))]
    RangeTooLong {
        /// The range.
        range: Range,
        /// How long it may be at most.
        most_seconds: u64,
        /// Parts into which `--split` would cut it.
        parts: u64,
    },
    /// The edition may not use this kind.
    #[error(
        "the edition {edition} of the desk may not make {} backups: `[limits.editions]` of the configuration says which it may",
        kind_name(*kind)
    )]
    Edition {
        /// The desk's edition.
        edition: String,
        /// The kind.
        kind: Kind,
    },
    /// The desk counts more records than a backup may have.
    #[error(
        "the desk counts {} records or more, and a backup has at most {}: with --allow-partial it starts, and stops at that record",
        grouped(*counted),
        grouped(*limit)
    )]
    Records {
        /// What it counts at least.
        counted: u64,
        /// The limit.
        limit: u64,
    },
    /// Another backup of the desk is running.
    #[error("the backup {running} is running: wait until it has ended")]
    Busy {
        /// The name of that backup.
        running: String,
    },
    /// A backup of the desk is suspended.
    #[error("backup {backup} of {desk} is suspended: go on with it, or give it up")]
    Suspended {
        /// The desk.
        desk: String,
        /// Its number.
        backup: u64,
    },
    /// There is not enough room on the disk.
    #[error(
        "the backup may need {} MB of room in the archive folder, a quarter more than the last one of its kind, and {} MB are free",
        grouped(need.div_ceil(MEGABYTE)),
        grouped(free / MEGABYTE)
    )]
    Room {
        /// Bytes needed.
        need: u64,
        /// Bytes free.
        free: u64,
    },
    /// This person may not do that.
    #[error("{user} may not {action} at {desk}: ask its primary contact")]
    Role {
        /// Who.
        user: String,
        /// What.
        action: String,
        /// The desk.
        desk: String,
    },
    /// The desk has a schedule already.
    #[error("{desk} has a schedule already: stop it first")]
    ScheduleExists {
        /// The desk.
        desk: String,
    },
    /// The clock is behind the last backup.
    #[error(
        "the clock says {}, and the last backup of the schedule reaches until {}: set the clock right",
        words(*now),
        words(*until)
    )]
    Clock {
        /// What the clock says.
        now: Timestamp,
        /// The upper end of the last backup.
        until: Timestamp,
    },
}

impl Refusal {
    /// The rule's name, as JSON has it.
    pub fn rule(&self) -> &'static str {
        match self {
            Self::FullTooSoon { .. } => "full_too_soon",
            Self::RangeTooLong { .. } => "range_too_long",
            Self::Edition { .. } => "edition",
            Self::Records { .. } => "records",
            Self::Busy { .. } => "busy",
            Self::Suspended { .. } => "suspended",
            Self::Room { .. } => "room",
            Self::Role { .. } => "role",
            Self::ScheduleExists { .. } => "schedule_exists",
            Self::Clock { .. } => "clock",
        }
    }

    /// What `Display` says, in Japanese.
    pub fn japanese(&self) -> String {
        match self {
            Self::FullTooSoon { desk, last, opens } => {
                let (last, opens) = (words(second_of(*last)), words(second_from(*opens)));
                format!(
                    "{desk} のフルバックアップは {last} に開始されています。次のフルバックアップは {opens} 以降に開始できます"
                )
            }
            Self::RangeTooLong {
                range,
                most_seconds,
                parts,
            } => too_long_japanese(*range, *most_seconds, *parts),
            Self::Edition { edition, kind } => {
                let kind = kind_japanese(*kind);
                format!(
                    "このデスクのエディション（{edition}）では{kind}バックアップを実行できません。\
                     実行できる種類は設定の [limits.editions] にあります"
                )
            }
            Self::Records { counted, limit } => {
                let (counted, limit) = (grouped(*counted), grouped(*limit));
                format!(
                    "デスクのレコード数は {counted} 件以上で、1 回のバックアップの上限 {limit} 件を超えています。\
                     --allow-partial を付けると開始し、上限に達した時点で終了します"
                )
            }
            Self::Busy { running } => {
                format!("バックアップ {running} を実行中です。終了するまでお待ちください")
            }
            Self::Suspended { desk, backup } => {
                format!("{desk} のバックアップ（番号 {backup}）が中断されています。再開するか、取りやめてください")
            }
            Self::Room { need, free } => {
                let (need, free) = (grouped(need.div_ceil(MEGABYTE)), grouped(free / MEGABYTE));
                format!(
                    "アーカイブフォルダーの空き容量が足りません。必要な容量は {need} MB（同じ種類の前回のバックアップの \
                     1.25 倍）、空き容量は {free} MB です"
                )
            }
            Self::Role { user, action, desk } => {
                let action = action_japanese(action);
                format!("{user} には {desk} で{action}を行う権限がありません。主担当者に依頼してください")
            }
            Self::ScheduleExists { desk } => {
                format!("{desk} にはすでにスケジュールがあります。先に停止してください")
            }
            Self::Clock { now, until } => {
                let (now, until) = (words(*now), words(*until));
                format!(
                    "時計は {now} を示していますが、スケジュールの前回のバックアップは {until} までを対象としています。\
                     時計を正しく合わせてください"
                )
            }
        }
    }
}

/// The name of a kind in Japanese.
fn kind_japanese(kind: Kind) -> &'static str {
    match kind {
        Kind::Full => "フル",
        Kind::Custom => "カスタム",
        Kind::Incremental => "増分",
    }
}

/// What was asked for, as [`Action`](crate::people::Action) and those who refuse tell it, in Japanese; a name that is not known
/// here stays as it is.
pub(crate) fn action_japanese(action: &str) -> &str {
    match action {
        "see the backups" => "閲覧",
        "start a backup" => "バックアップの開始",
        "set a schedule" => "スケジュールの設定",
        "stop a schedule" => "スケジュールの停止",
        "download an archive" => "アーカイブのダウンロード",
        "delete an archive" => "アーカイブの削除",
        "make tokens" => "API トークンの作成",
        other => other,
    }
}

fn too_long(range: Range, most_seconds: u64, parts: u64) -> String {
    let range_words = match days(range) {
        Some((first, last)) => format!("{first} to {last}"),
        None => format!("{} to {}", words(range.from), words(range.to)),
    };
    let (length, most) = (span(micros(range)), span(u128::from(most_seconds) * 1_000_000));
    let (longest, shortest) = lengths(range, most_seconds);
    let each = if longest == shortest {
        format!("{} each", span(longest))
    } else {
        format!("{} at most each", span(longest))
    };
    format!(
        "{range_words} is {length}, and the range of a custom backup is at most {most}: --split makes {parts} backups of it, \
         one after the other, of {each}"
    )
}

fn too_long_japanese(range: Range, most_seconds: u64, parts: u64) -> String {
    let range_words = match days(range) {
        Some((first, last)) => format!("{first}～{last}"),
        None => format!("{}～{}", words(range.from), words(range.to)),
    };
    let most = span_japanese(u128::from(most_seconds) * 1_000_000);
    let (length, (longest, shortest)) = (span_japanese(micros(range)), lengths(range, most_seconds));
    let each = span_japanese(longest);
    let most_each = if longest == shortest { "" } else { "最長 " };
    format!(
        "{range_words} は {length}で、カスタムバックアップの期間の上限（{most}）を超えています。\
         --split を付けると、{most_each}{each}ずつ {parts} 回に分けて順に実行します"
    )
}

/// How long the parts of a split are: the longest and the shortest. The longer ones come first.
fn lengths(range: Range, most_seconds: u64) -> (u128, u128) {
    let limits = Limits {
        custom_range: Duration::from_secs(most_seconds),
        ..Limits::default()
    };
    let mut parts = split(&limits, range);
    let first = parts.next().map_or(0, micros);
    (first, parts.next_back().map_or(first, micros))
}

fn micros(range: Range) -> u128 {
    (i128::from(range.to.micros()) - i128::from(range.from.micros()))
        .max(0)
        .unsigned_abs()
}

/// `31 days and 1 second`.
fn span(micros: u128) -> String {
    let names = ["day", "hour", "minute", "second", "microsecond"];
    let mut words: Vec<String> = units(micros)
        .into_iter()
        .map(|(number, unit)| format!("{number} {}{}", names[unit], if number == 1 { "" } else { "s" }))
        .collect();
    match words.pop() {
        Some(last) if !words.is_empty() => format!("{} and {last}", words.join(", ")),
        last => last.unwrap_or_default(),
    }
}

/// `31 日 1 秒`.
fn span_japanese(micros: u128) -> String {
    let names = ["日", "時間", "分", "秒", "マイクロ秒"];
    let words: Vec<String> = units(micros)
        .into_iter()
        .map(|(number, unit)| format!("{number} {}", names[unit]))
        .collect();
    words.join(" ")
}

const MEGABYTE: u64 = 1_000_000;
