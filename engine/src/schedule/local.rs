//! From the clocks on the walls of a zone to moments, and back.

use chrono::{DateTime, MappedLocalTime, NaiveDate, NaiveDateTime, TimeZone as _};
use chrono_tz::{GapInfo, Tz};
use plugin_api::Timestamp;

/// The moment at which clocks show this. A time that they leave out is the first moment after the gap, be it a whole day;
/// one that they show twice is the first of both.
pub(crate) fn moment(zone: Tz, shown: NaiveDateTime) -> Option<Timestamp> {
    let time = match zone.from_local_datetime(&shown) {
        MappedLocalTime::Single(time) | MappedLocalTime::Ambiguous(time, _) => time,
        MappedLocalTime::None => GapInfo::new(&shown, &zone)?.end?,
    };
    Some(Timestamp::from_micros(time.timestamp_micros()))
}

/// The date that calendars show at a moment; outside the years 0 to 9999, that of their first or last moment.
pub(super) fn date(zone: Tz, moment: Timestamp) -> NaiveDate {
    /// 0000-01-02 and 9999-12-31: no zone is a day ahead or behind.
    const KNOWN: (i64, i64) = (-62_167_132_800_000_000, 253_402_214_400_000_000);
    let micros = moment.micros().clamp(KNOWN.0, KNOWN.1);
    let utc = DateTime::from_timestamp_micros(micros).unwrap_or_default();
    utc.with_timezone(&zone).date_naive()
}
