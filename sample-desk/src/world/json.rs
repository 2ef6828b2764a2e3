//! Appending JSON. Keys and pool texts are escaped beforehand, so that a record is written by copying.

use super::Id;

/// `,"key":` as one literal.
macro_rules! k {
    ($name:literal) => {
        concat!(",\"", $name, "\":").as_bytes()
    };
}
pub(super) use k;

const DIGITS: &[u8; 200] = b"00010203040506070809101112131415161718192021222324252627282930313233343536373839\
4041424344454647484950515253545556575859606162636465666768697071727374757677787980818283848586878889\
90919293949596979899";

/// Appends the digits of a number.
#[inline]
pub(super) fn number(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    while value >= 100 {
        let pair = (value % 100) as usize * 2;
        value /= 100;
        at -= 2;
        digits[at..at + 2].copy_from_slice(&DIGITS[pair..pair + 2]);
    }
    if value >= 10 {
        let pair = value as usize * 2;
        at -= 2;
        digits[at..at + 2].copy_from_slice(&DIGITS[pair..pair + 2]);
    } else {
        at -= 1;
        digits[at] = b'0' + value as u8;
    }
    out.extend_from_slice(&digits[at..]);
}

/// How a text is escaped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    /// Only what must be.
    Plain,
    /// Everything beyond ASCII as `\uXXXX`, and `/` as `\/`: as true, and as common.
    Ascii,
}

/// Appends the inside of a JSON string.
pub(super) fn escape(out: &mut Vec<u8>, text: &str, how: Escape) {
    for letter in text.chars() {
        match letter {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            '/' if how == Escape::Ascii => out.extend_from_slice(b"\\/"),
            '\0'..='\x1f' => unit(out, letter as u16),
            _ if how == Escape::Ascii && !letter.is_ascii() => {
                for part in letter.encode_utf16(&mut [0; 2]) {
                    unit(out, *part);
                }
            }
            _ => out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

fn unit(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(b"\\u");
    for shift in [12, 8, 4, 0] {
        out.push(b"0123456789abcdef"[usize::from(value >> shift & 15)]);
    }
}

/// The inside of a JSON string.
pub(super) fn escaped(text: &str, how: Escape) -> Box<[u8]> {
    let mut out = Vec::new();
    escape(&mut out, text, how);
    out.into()
}

/// Appends a time: `2026-02-28T23:59:59.000Z` of microseconds since 1970.
#[inline]
pub(super) fn time(out: &mut Vec<u8>, micros: i64) {
    let millis = micros.div_euclid(1000);
    let (days, rest) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000) as u64);
    let (year, month, day) = civil(days);
    let mut text = *b"0000-00-00T00:00:00.000Z";
    let mut pair = |at: usize, value: u64| {
        let from = value as usize * 2;
        text[at..at + 2].copy_from_slice(&DIGITS[from..from + 2]);
    };
    pair(0, year / 100 % 100);
    pair(2, year % 100);
    pair(5, month);
    pair(8, day);
    pair(11, rest / 3_600_000);
    pair(14, rest / 60_000 % 60);
    pair(17, rest / 1000 % 60);
    let fraction = rest % 1000;
    pair(20, fraction / 10);
    text[22] = b'0' + (fraction % 10) as u8;
    out.extend_from_slice(&text);
}

/// Year, month and day of a number of days since 1970 (H. Hinnant's `civil_from_days`, for days after 1970).
#[inline]
pub(super) fn civil(days: i64) -> (u64, u64, u64) {
    let shifted = (days + 719_468) as u64;
    let era = shifted / 146_097;
    let of_era = shifted % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, late) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (year_of_era + era * 400 + late, month, day)
}

/// An object that is being written. Each key brings its comma; the first comma becomes the brace.
pub(super) struct Object<'a> {
    pub(super) out: &'a mut Vec<u8>,
    start: usize,
    /// Booleans as text.
    pub(super) texts: bool,
}

impl<'a> Object<'a> {
    /// Begins an object.
    #[inline]
    pub(super) fn new(out: &'a mut Vec<u8>, texts: bool) -> Self {
        let start = out.len();
        Self { out, start, texts }
    }

    /// Ends it.
    #[inline]
    pub(super) fn end(self) {
        if self.out.len() == self.start {
            self.out.push(b'{');
        } else {
            self.out[self.start] = b'{';
        }
        self.out.push(b'}');
    }

    /// A key (of [`k!`]) and a value that is JSON.
    #[inline]
    pub(super) fn raw(&mut self, key: &[u8], json: &[u8]) {
        self.out.extend_from_slice(key);
        self.out.extend_from_slice(json);
    }

    /// A text, escaped beforehand.
    #[inline]
    pub(super) fn text(&mut self, key: &[u8], escaped: &[u8]) {
        self.out.extend_from_slice(key);
        self.out.push(b'"');
        self.out.extend_from_slice(escaped);
        self.out.push(b'"');
    }

    /// A text or null.
    #[inline]
    pub(super) fn maybe(&mut self, key: &[u8], escaped: Option<&[u8]>) {
        match escaped {
            Some(escaped) => self.text(key, escaped),
            None => self.null(key),
        }
    }

    /// null.
    #[inline]
    pub(super) fn null(&mut self, key: &[u8]) {
        self.raw(key, b"null");
    }

    /// A text that `write` appends escaped.
    #[inline]
    pub(super) fn made(&mut self, key: &[u8], write: impl FnOnce(&mut Vec<u8>)) {
        self.out.extend_from_slice(key);
        self.out.push(b'"');
        write(self.out);
        self.out.push(b'"');
    }

    /// A text that `write` appends, or null.
    #[inline]
    pub(super) fn made_if(&mut self, key: &[u8], there: bool, write: impl FnOnce(&mut Vec<u8>)) {
        if there {
            self.made(key, write);
        } else {
            self.null(key);
        }
    }

    /// An id.
    #[inline]
    pub(super) fn id(&mut self, key: &[u8], id: Id) {
        self.count(key, id.0);
    }

    /// An id or null.
    #[inline]
    pub(super) fn maybe_id(&mut self, key: &[u8], id: Option<Id>) {
        match id {
            Some(id) => self.id(key, id),
            None => self.null(key),
        }
    }

    /// A count: a text of digits.
    #[inline]
    pub(super) fn count(&mut self, key: &[u8], value: u64) {
        self.out.extend_from_slice(key);
        self.out.push(b'"');
        number(self.out, value);
        self.out.push(b'"');
    }

    /// A boolean, in the desk's manner.
    #[inline]
    pub(super) fn bool(&mut self, key: &[u8], value: bool) {
        self.raw(
            key,
            match (self.texts, value) {
                (false, true) => b"true",
                (false, false) => b"false",
                (true, true) => b"\"true\"",
                (true, false) => b"\"false\"",
            },
        );
    }

    /// A time.
    #[inline]
    pub(super) fn time(&mut self, key: &[u8], micros: i64) {
        self.out.extend_from_slice(key);
        self.out.push(b'"');
        time(self.out, micros);
        self.out.push(b'"');
    }

    /// A time or null.
    #[inline]
    pub(super) fn maybe_time(&mut self, key: &[u8], micros: Option<i64>) {
        match micros {
            Some(micros) => self.time(key, micros),
            None => self.null(key),
        }
    }

    /// An array of ids.
    pub(super) fn ids(&mut self, key: &[u8], ids: impl IntoIterator<Item = Id>) {
        self.list(key, ids, |out, id| {
            out.push(b'"');
            number(out, id.0);
            out.push(b'"');
        });
    }

    /// An array.
    pub(super) fn list<T>(
        &mut self,
        key: &[u8],
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Vec<u8>, T),
    ) {
        self.out.extend_from_slice(key);
        self.out.push(b'[');
        for (n, item) in items.into_iter().enumerate() {
            if n > 0 {
                self.out.push(b',');
            }
            write(self.out, item);
        }
        self.out.push(b']');
    }

    /// An object within.
    #[inline]
    pub(super) fn object(&mut self, key: &[u8], write: impl FnOnce(&mut Object<'_>)) {
        self.out.extend_from_slice(key);
        let mut inner = Object::new(self.out, self.texts);
        write(&mut inner);
        inner.end();
    }

    /// An object within, or null.
    #[inline]
    pub(super) fn object_if(&mut self, key: &[u8], there: bool, write: impl FnOnce(&mut Object<'_>)) {
        if there {
            self.object(key, write);
        } else {
            self.null(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Escape, Object, escape, number, time};

    #[test]
    fn numbers_and_times() {
        for value in [0, 7, 10, 99, 100, 12_345, u64::MAX] {
            let mut out = Vec::new();
            number(&mut out, value);
            assert_eq!(out, value.to_string().as_bytes());
        }
        for (micros, expect) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_646_092_800_000_000, "2022-03-01T00:00:00.000Z"),
            (1_709_251_199_987_654, "2024-02-29T23:59:59.987Z"),
            (1_772_323_200_000_000, "2026-03-01T00:00:00.000Z"),
        ] {
            let mut out = Vec::new();
            time(&mut out, micros);
            assert_eq!(out, expect.as_bytes());
        }
    }

    #[test]
    fn every_text_survives_both_ways_of_escaping() {
        let text = "a\"b\\c/\u{1}\u{1f}\n\r\t\u{7f}\u{2028}é日👩\u{200d}🔧";
        for how in [Escape::Plain, Escape::Ascii] {
            let mut out = vec![b'"'];
            escape(&mut out, text, how);
            out.push(b'"');
            assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
            assert_eq!(how == Escape::Ascii, out.is_ascii());
        }
    }

    #[test]
    fn objects() {
        let mut out = Vec::new();
        let mut object = Object::new(&mut out, true);
        object.bool(k!("a"), true);
        object.object(k!("b"), |_| ());
        object.list(k!("c"), [1, 2], number);
        object.end();
        assert_eq!(out, br#"{"a":"true","b":{},"c":[1,2]}"#);
    }
}
