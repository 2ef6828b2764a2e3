//! Times and sizes as text: `"30s"`, `"64 MiB"`.

use std::time::Duration;

/// Units of time with their milliseconds, the largest first.
const TIMES: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// Units of size with their bytes, the largest first.
const SIZES: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1000),
    ("B", 1),
];

/// Reads a whole number and one unit of `TIMES`; a blank may stand between them.
pub(super) fn read_time(text: &str) -> Option<Duration> {
    read(text, &TIMES).map(Duration::from_millis)
}

/// Reads a whole number and one unit of `SIZES`; a blank may stand between them.
pub(super) fn read_size(text: &str) -> Option<u64> {
    read(text, &SIZES)
}

fn read(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let unit = unit.strip_prefix(' ').unwrap_or(unit);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// As [`read_time`] reads it, in the largest unit that leaves no rest.
pub(crate) fn show_time(time: Duration) -> String {
    show(time.as_millis() as u64, &TIMES, "")
}

/// As [`read_size`] reads it, in the largest unit that leaves no rest.
pub(crate) fn show_size(bytes: u64) -> String {
    show(bytes, &SIZES, " ")
}

fn show(amount: u64, units: &[(&str, u64)], blank: &str) -> String {
    units
        .iter()
        .find(|(_, factor)| amount > 0 && amount.is_multiple_of(*factor))
        .or(units.last())
        .map(|(name, factor)| format!("{}{blank}{name}", amount / factor))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    #[test]
    fn times() {
        for (text, expected) in [
            ("30s", Some(30_000)),
            ("2m", Some(120_000)),
            ("500ms", Some(500)),
            ("1 h", Some(3_600_000)),
            ("1d", Some(86_400_000)),
            ("0s", Some(0)),
            ("30", None),
            ("s", None),
            ("", None),
            ("-1s", None),
            ("1.5s", None),
            ("1h30m", None),
            ("30 S", None),
            ("30  s", None),
            ("３０s", None),
            ("99999999999999999999s", None),
            ("18446744073709551615d", None),
        ] {
            let read = super::read_time(text);
            assert_eq!(read, expected.map(Duration::from_millis), "{text}");
        }
        for text in ["1d", "90m", "10s", "1500ms", "0ms"] {
            assert_eq!(super::read_time(text).map(super::show_time).as_deref(), Some(text));
        }
    }

    #[test]
    fn sizes() {
        for (text, expected) in [
            ("64 MiB", Some(64 << 20)),
            ("64MiB", Some(64 << 20)),
            ("1 GB", Some(1_000_000_000)),
            ("512 B", Some(512)),
            ("64 mib", None),
            ("64", None),
            ("17179869184 GiB", None),
        ] {
            assert_eq!(super::read_size(text), expected, "{text}");
        }
        for text in ["64 MiB", "1 GiB", "1 GB", "1 KiB", "1 B", "0 B"] {
            assert_eq!(super::read_size(text).map(super::show_size).as_deref(), Some(text));
        }
    }
}
