//! Rows as CSV: RFC 4180, lines ended by CR LF, a field quoted only when it must be.
//!
//! - Null and empty text: an empty field. (`""` where it is the row's only one: an empty line is no row.)
//! - Bool: `true`, `false`. Int: decimal digits. Float: the shortest digits that read back the same number
//!   (`1.0`, `1e300`), and `NaN`, `inf`, `-inf`.
//! - Text and JSON: as they are, whatever they hold: NUL, lone CR, a leading `=`.
//! - Time: `yyyy-MM-dd HH:mm:ss` in UTC; `.SSS` or `.SSSSSS` follows only where there is a fraction. A year
//!   outside 0 to 9999 is written with its sign.
//!
//! Every byte of a backup passes through here, so nothing allocates per cell.

use std::io::Write as _;

use plugin_api::{Timestamp, Value};

/// Appends one row with its line end.
pub(super) fn push_row(out: &mut Vec<u8>, row: &[Value<'_>]) {
    let start = out.len();
    for (index, value) in row.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        push_value(out, *value);
    }
    if out.len() == start {
        out.extend_from_slice(b"\"\"");
    }
    out.extend_from_slice(b"\r\n");
}

/// A value as a field reads, without its quotes.
pub(crate) fn cell_text(value: Value<'_>) -> String {
    match value {
        Value::Text(text) | Value::Json(text) => text.to_owned(),
        other => {
            let mut out = Vec::new();
            push_value(&mut out, other);
            String::from_utf8_lossy(&out).into_owned()
        }
    }
}

fn push_value(out: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::Null => {}
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Int(value) => push_int(out, value),
        // Writing to memory cannot fail.
        Value::Float(value) => drop(write!(out, "{value:?}")),
        Value::Text(text) | Value::Json(text) => push_text(out, text.as_bytes()),
        Value::Time(time) => push_time(out, time),
    }
}

fn push_text(out: &mut Vec<u8>, text: &[u8]) {
    if !must_quote(text) {
        out.extend_from_slice(text);
        return;
    }
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'"', rest) {
        out.extend_from_slice(&rest[..=at]);
        out.push(b'"');
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Whether a reader would take the text for something else without quotes. A byte-order mark counts, because
/// readers drop it at the start of a file.
fn must_quote(text: &[u8]) -> bool {
    // Whole chunks without a branch inside: the compiler makes vector instructions of it.
    let is = |byte: u8, special: u8| u8::from(byte == special);
    let special = |chunk: &[u8]| {
        let any = |hit, byte: &u8| hit | is(*byte, b',') | is(*byte, b'"') | is(*byte, b'\r') | is(*byte, b'\n');
        chunk.iter().fold(0, any) != 0
    };
    let (chunks, rest) = text.as_chunks::<32>();
    let (words, rest) = rest.as_chunks::<8>();
    chunks.iter().any(|chunk| special(chunk))
        || words.iter().any(|word| special(word))
        || special(rest)
        || text.starts_with(b"\xEF\xBB\xBF")
}

fn push_int(out: &mut Vec<u8>, value: i64) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends a number below 100 with two digits.
fn push_two(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&[b'0' + (value / 10) as u8, b'0' + (value % 10) as u8]);
}

fn push_time(out: &mut Vec<u8>, time: Timestamp) {
    let civil = Civil::of(time);
    if (0..=9999).contains(&civil.year) {
        push_two(out, civil.year as u32 / 100);
        push_two(out, civil.year as u32 % 100);
    } else {
        drop(write!(out, "{:+05}", civil.year));
    }
    for (mark, number) in [
        (b'-', civil.month),
        (b'-', civil.day),
        (b' ', civil.hour),
        (b':', civil.minute),
        (b':', civil.second),
    ] {
        out.push(mark);
        push_two(out, number);
    }
    if civil.micros > 0 {
        let (fraction, mut unit) = if civil.micros.is_multiple_of(1000) {
            (civil.micros / 1000, 100)
        } else {
            (civil.micros, 100_000)
        };
        out.push(b'.');
        while unit > 0 {
            out.push(b'0' + (fraction / unit % 10) as u8);
            unit /= 10;
        }
    }
}

/// A moment by the calendar, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Civil {
    pub(super) year: i64,
    pub(super) month: u32,
    pub(super) day: u32,
    pub(super) hour: u32,
    pub(super) minute: u32,
    pub(super) second: u32,
    pub(super) micros: u32,
}

impl Civil {
    /// The calendar's date and time, for every moment that there is.
    pub(super) fn of(time: Timestamp) -> Self {
        const DAY: i64 = 86_400_000_000;
        let (days, in_day) = (time.micros().div_euclid(DAY), time.micros().rem_euclid(DAY) as u64);
        // Counted from 0000-03-01, so that a leap day is the last day of its year; 400 years are 146,097 days.
        let days = days + 719_468;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        };
        let seconds = (in_day / 1_000_000) as u32;
        Self {
            year: era * 400 + year_of_era + i64::from(month <= 2),
            month: month as u32,
            day: (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u32,
            hour: seconds / 3600,
            minute: seconds / 60 % 60,
            second: seconds % 60,
            micros: (in_day % 1_000_000) as u32,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Datelike as _, Timelike as _};
    use plugin_api::{Timestamp, Value};

    use super::{Civil, push_row};

    fn check(row: &[Value<'_>], expected: &str) {
        let mut out = Vec::new();
        push_row(&mut out, row);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    fn time(text: &str) -> Value<'static> {
        Value::Time(Timestamp::parse(text).unwrap())
    }

    #[test]
    fn writes_each_kind_of_value() {
        use Value::{Bool, Float, Int, Json, Null, Text};
        check(&[Null, Bool(true), Bool(false), Null], ",true,false,\r\n");
        check(
            &[Int(0), Int(-7), Int(i64::MAX), Int(i64::MIN)],
            "0,-7,9223372036854775807,-9223372036854775808\r\n",
        );
        check(
            &[Float(1.0), Float(0.1), Float(-2.5), Float(1e300), Float(-0.0)],
            "1.0,0.1,-2.5,1e300,-0.0\r\n",
        );
        check(
            &[Float(f64::NAN), Float(f64::INFINITY), Float(f64::NEG_INFINITY)],
            "NaN,inf,-inf\r\n",
        );
        check(&[Json(r#"{"a":1}"#)], "\"{\"\"a\"\":1}\"\r\n");
        check(
            &[Text("a,b"), Text("say \"hi\""), Text("\"")],
            "\"a,b\",\"say \"\"hi\"\"\",\"\"\"\"\r\n",
        );
        check(&[Text("one\ntwo"), Text("one\rtwo")], "\"one\ntwo\",\"one\rtwo\"\r\n");
        check(
            &[Text("=1+1"), Text(" pad "), Text("\0"), Text("🎫 日本")],
            "=1+1, pad ,\0,🎫 日本\r\n",
        );
        check(&[Text("\u{feff}x")], "\"\u{feff}x\"\r\n");
        check(&[Null], "\"\"\r\n");
        check(&[Text("")], "\"\"\r\n");
        check(&[], "\"\"\r\n");
    }

    #[test]
    fn quotes_wherever_the_special_byte_stands() {
        for length in 1..100 {
            for at in 0..length {
                for special in [',', '"', '\r', '\n'] {
                    let mut text = "x".repeat(length);
                    text.replace_range(at..=at, &special.to_string());
                    let mut out = Vec::new();
                    push_row(&mut out, &[Value::Text(&text)]);
                    assert_eq!(out[0], b'"', "{text:?}");
                }
            }
            check(
                &[Value::Text(&"x".repeat(length))],
                &format!("{}\r\n", "x".repeat(length)),
            );
        }
    }

    #[test]
    fn writes_times_with_a_fraction_only_where_there_is_one() {
        for (given, expected) in [
            ("2026-01-02T03:04:05Z", "2026-01-02 03:04:05\r\n"),
            ("2026-01-02T03:04:05.6Z", "2026-01-02 03:04:05.600\r\n"),
            ("2026-01-02T03:04:05.000006Z", "2026-01-02 03:04:05.000006\r\n"),
            ("2024-02-29T23:59:59+09:00", "2024-02-29 14:59:59\r\n"),
            ("1969-12-31T23:59:59.999Z", "1969-12-31 23:59:59.999\r\n"),
            ("0099-12-31T00:00:00Z", "0099-12-31 00:00:00\r\n"),
        ] {
            check(&[time(given)], expected);
        }
        check(
            &[Value::Time(Timestamp::from_micros(i64::MAX))],
            "+294247-01-10 04:00:54.775807\r\n",
        );
        check(
            &[Value::Time(Timestamp::from_micros(i64::MIN))],
            "-290308-12-21 19:59:05.224192\r\n",
        );
    }

    #[test]
    fn the_calendar_is_chronos() {
        // A step that is no multiple of a day visits every month and time of day over 8,000 years.
        let step = 977 * 3_600_000_000 + 61_000_001;
        let mut micros = -62_167_219_200_000_000_i64;
        while micros < 190_000_000_000_000_000 {
            let chrono = DateTime::from_timestamp_micros(micros).unwrap();
            let expected = Civil {
                year: i64::from(chrono.year()),
                month: chrono.month(),
                day: chrono.day(),
                hour: chrono.hour(),
                minute: chrono.minute(),
                second: chrono.second(),
                micros: chrono.timestamp_subsec_micros(),
            };
            assert_eq!(Civil::of(Timestamp::from_micros(micros)), expected);
            micros += step;
        }
    }
}
