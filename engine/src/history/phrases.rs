//! How an entry reads, in English and in Japanese: one `match`, each arm of which gives both, so that neither language can
//! lack a kind. The Japanese words for what Zoho Desk's own history has too are Zoho's.

use chrono_tz::Tz;
use plugin_api::Range;

use super::words::{kind, moment, number};
use super::{Happening, Language};
use crate::quota::action_japanese;

use Language::{English, Japanese};

/// What happened, in a sentence.
pub(super) fn describe(what: &Happening, language: Language, zone: Tz) -> String {
    let (english, japanese) = both(what, zone);
    match language {
        English => english,
        Japanese => japanese,
    }
}

#[allow(clippy::too_many_lines, reason = "an arm for each kind")]
fn both(what: &Happening, zone: Tz) -> (String, String) {
    match what {
        Happening::BackupStarted {
            backup,
            backup_kind,
            range,
        } => (
            format!(
                "Backup {backup} started: {}{}",
                kind(*backup_kind, English),
                range.map_or_else(String::new, |range| english_range(range, zone))
            ),
            format!(
                "バックアップ開始：{}（番号 {backup}）{}",
                kind(*backup_kind, Japanese),
                range.map_or_else(String::new, |range| japanese_range(range, zone))
            ),
        ),
        Happening::Scheduled { schedule } => (
            format!("Schedule set: {schedule}"),
            format!("スケジュール設定：{}", schedule.japanese()),
        ),
        Happening::DataReady {
            backup,
            records,
            bytes,
            sha256,
        } => (
            format!(
                "Data ready: backup {backup} with {} records, {} bytes, SHA-256 {sha256}",
                number(*records),
                number(*bytes)
            ),
            format!(
                "データ準備完了：バックアップ番号 {backup}、{} 件、{} バイト、SHA-256 {sha256}",
                number(*records),
                number(*bytes)
            ),
        ),
        Happening::DownloadStarted { backup } => (
            format!("Download of backup {backup} started"),
            format!("ダウンロード開始：バックアップ番号 {backup}"),
        ),
        Happening::ScheduleStopped => ("Schedule stopped".into(), "スケジュール停止".into()),
        Happening::ScheduleEnded => (
            "Schedule ended: its end date has come".into(),
            "スケジュール終了：終了日に達しました".into(),
        ),
        Happening::Failed { backup, reason } => (
            format!("Backup {backup} failed: {reason}"),
            format!("バックアップ失敗：バックアップ番号 {backup}、理由：{reason}"),
        ),
        Happening::Stopped { backup } => (
            format!("Backup {backup} was stopped before it was done"),
            format!("バックアップ中止：バックアップ番号 {backup}、完了前に中止されました"),
        ),
        Happening::Suspended { backup, reason } => (
            format!("Backup {backup} is suspended, and can be gone on with: {reason}"),
            format!("バックアップ中断（再開可能）：バックアップ番号 {backup}、理由：{reason}"),
        ),
        Happening::Resumed { backup } => (
            format!("Backup {backup} is gone on with"),
            format!("バックアップ再開：バックアップ番号 {backup}"),
        ),
        Happening::Incomplete { backup, reasons, first } => (
            format!(
                "Backup {backup} is incomplete, for {}: {first}",
                if *reasons == 1 {
                    "one reason".to_owned()
                } else {
                    format!("{} reasons, the first", number(*reasons))
                }
            ),
            format!(
                "バックアップ不完全：バックアップ番号 {backup}、理由 {} 件{}{first}",
                number(*reasons),
                if *reasons == 1 { "：" } else { "、最初の理由：" }
            ),
        ),
        Happening::LimitReached {
            backup,
            records,
            stopped,
        } => (
            format!(
                "Backup {backup} reached the limit at {} records{}",
                number(*records),
                stops(stopped, "; stopped: ", ", ", |table, row| format!(
                    "{table} behind row {row}"
                ))
            ),
            format!(
                "上限到達：バックアップ番号 {backup}、{} 件で上限に達しました{}",
                number(*records),
                stops(stopped, "。停止した表：", "、", |table, row| format!(
                    "{table}（{row} 行目まで）"
                ))
            ),
        ),
        Happening::Deleted { backup } => (
            format!("Archive of backup {backup} deleted"),
            format!("バックアップ削除：バックアップ番号 {backup}"),
        ),
        Happening::Expired { backup } => (
            format!("Archive of backup {backup} expired and was removed"),
            format!("有効期限切れ：バックアップ番号 {backup} のデータを削除しました"),
        ),
        Happening::Missing { backup } => (
            format!("Archive of backup {backup} was found to be gone: it was removed past deskvault"),
            format!(
                "データ消失：バックアップ番号 {backup} のファイルが見つかりません（deskvault 以外の操作で削除されました）"
            ),
        ),
        Happening::LinkMade { backup, until } => (
            format!(
                "Link to backup {backup} made, valid until {}",
                moment(*until, English, zone)
            ),
            format!(
                "ダウンロードリンク作成：バックアップ番号 {backup}、有効期限 {}",
                moment(*until, Japanese, zone)
            ),
        ),
        Happening::ConfigurationChanged { what } => (
            format!("Configuration changed: {}", what.join(", ")),
            format!("設定変更：{}", what.join("、")),
        ),
        Happening::Refused { action, refusal } => (
            format!("Refused: {action}: {refusal}"),
            format!("拒否：{}：{}", action_japanese(action), refusal.japanese()),
        ),
        Happening::TokenCreated { token, person, until } => (
            format!(
                "Token {token} of {person} made, valid until {}",
                moment(*until, English, zone)
            ),
            format!(
                "API トークン作成：番号 {token}、利用者 {person}、有効期限 {}",
                moment(*until, Japanese, zone)
            ),
        ),
        Happening::TokenRevoked { token, person } => (
            format!("Token {token} of {person} revoked"),
            format!("API トークン失効：番号 {token}、利用者 {person}"),
        ),
        Happening::PluginTrusted { file, sha256 } => (
            format!("Plugin trusted: {file}, SHA-256 {sha256}"),
            format!("プラグイン信頼：{file}、SHA-256 {sha256}"),
        ),
        Happening::PluginUntrusted { file } => (
            format!("Plugin trusted no more: {file}"),
            format!("プラグイン信頼の取消：{file}"),
        ),
        Happening::Resealed { fault, before, sealed } => (
            format!(
                "History sealed anew, as it had {fault}: the last entry was {before}{}",
                sealed
                    .as_ref()
                    .map_or_else(String::new, |sealed| format!("; the seal said {sealed}"))
            ),
            format!(
                "履歴の再封印：{}（直前の記録：{before}{}）",
                fault.japanese(),
                sealed
                    .as_ref()
                    .map_or_else(String::new, |sealed| format!("、封印の内容：{sealed}"))
            ),
        ),
    }
}

fn english_range(range: Range, zone: Tz) -> String {
    let (from, to) = (moment(range.from, English, zone), moment(range.to, English, zone));
    format!(", from {from} to {to}")
}

fn japanese_range(range: Range, zone: Tz) -> String {
    let (from, to) = (moment(range.from, Japanese, zone), moment(range.to, Japanese, zone));
    format!("、対象期間 {from} から {to} まで")
}

fn stops(tables: &[(String, u64)], before: &str, between: &str, one: impl Fn(&str, &str) -> String) -> String {
    if tables.is_empty() {
        return String::new();
    }
    let tables: Vec<String> = tables.iter().map(|(table, row)| one(table, &number(*row))).collect();
    format!("{before}{}", tables.join(between))
}
