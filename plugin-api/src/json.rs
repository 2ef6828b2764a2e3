//! Finding one's way in JSON that is known to be JSON: a record that was told apart already, and so was checked.
//!
//! It does not check again: what is no JSON gives [`Malformed`] or any piece of the text, but never a panic. That makes it
//! several times as fast as a parser; every record passes through here twice.

use std::borrow::Cow;

/// The text is no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// A value as it stands in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    /// The whole of it.
    pub(crate) text: &'a str,
    /// It is a string with escapes in it.
    pub(crate) escaped: bool,
}

impl<'a> Piece<'a> {
    /// A string's content, a number's or a truth value's own text; `None` for null. An array and an object are none.
    pub(crate) fn scalar(self) -> Result<Option<Cow<'a, str>>, Malformed> {
        match self.text.as_bytes().first() {
            Some(b'"') => self.unquoted().map(Some),
            Some(b'n') => Ok(None),
            Some(b'{' | b'[') | None => Err(Malformed),
            Some(_) => Ok(Some(Cow::Borrowed(self.text))),
        }
    }

    /// A string's content.
    fn unquoted(self) -> Result<Cow<'a, str>, Malformed> {
        if self.escaped {
            return serde_json::from_str(self.text).map(Cow::Owned).map_err(|_| Malformed);
        }
        self.inner().map(Cow::Borrowed).ok_or(Malformed)
    }

    /// What stands between the quotes of a string.
    pub(crate) fn inner(self) -> Option<&'a str> {
        let end = self.text.len().checked_sub(1)?;
        self.text.get(1..end)
    }
}

/// A place in the text.
#[derive(Clone, Copy, Debug)]
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    fn eat(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    /// The string that begins here.
    fn string(&mut self) -> Result<Piece<'a>, Malformed> {
        let begin = self.at;
        if !self.eat(b'"') {
            return Err(Malformed);
        }
        let mut escaped = false;
        loop {
            let rest = self.text.as_bytes().get(self.at..).ok_or(Malformed)?;
            let found = memchr::memchr2(b'"', b'\\', rest).ok_or(Malformed)?;
            if rest[found] == b'"' {
                self.at += found + 1;
                break;
            }
            escaped = true;
            self.at += found + 2;
        }
        let text = self.text.get(begin..self.at).ok_or(Malformed)?;
        let text = text.trim_start();
        Ok(Piece { text, escaped })
    }

    /// The value that begins here.
    fn value(&mut self) -> Result<Piece<'a>, Malformed> {
        let first = self.peek().ok_or(Malformed)?;
        let begin = self.at;
        match first {
            b'"' => return self.string(),
            b'{' | b'[' => self.nested()?,
            _ => {
                let rest = &self.text.as_bytes()[begin..];
                let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t');
                self.at += rest.iter().position(ends).unwrap_or(rest.len());
            }
        }
        let text = self.text.get(begin..self.at).filter(|text| !text.is_empty());
        text.map(|text| Piece { text, escaped: false }).ok_or(Malformed)
    }

    /// Passes over an object or an array.
    fn nested(&mut self) -> Result<(), Malformed> {
        let mut depth = 0_usize;
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    depth = depth.checked_sub(1).ok_or(Malformed)?;
                    if depth == 0 {
                        self.at += 1;
                        return Ok(());
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
        Err(Malformed)
    }
}

/// The keys and values of an object, in their order.
pub(crate) struct Entries<'a> {
    reader: Reader<'a>,
    begun: bool,
}

impl<'a> Entries<'a> {
    /// `None` if the value is no object.
    pub(crate) fn of(text: &'a str) -> Option<Self> {
        let mut reader = Reader { text, at: 0 };
        reader.eat(b'{').then_some(Self { reader, begun: false })
    }

    /// The next key, with its quotes, and its value.
    pub(crate) fn next(&mut self) -> Result<Option<(Piece<'a>, Piece<'a>)>, Malformed> {
        if self.reader.eat(b'}') {
            return Ok(None);
        }
        if self.begun && !self.reader.eat(b',') {
            return Err(Malformed);
        }
        self.begun = true;
        self.reader.peek();
        let key = self.reader.string()?;
        if !self.reader.eat(b':') {
            return Err(Malformed);
        }
        Ok(Some((key, self.reader.value()?)))
    }
}

/// The values of an array, in their order.
pub(crate) struct Elements<'a> {
    reader: Reader<'a>,
    begun: bool,
}

impl<'a> Elements<'a> {
    /// `None` if the value is no array.
    pub(crate) fn of(text: &'a str) -> Option<Self> {
        let mut reader = Reader { text, at: 0 };
        reader.eat(b'[').then_some(Self { reader, begun: false })
    }

    pub(crate) fn next(&mut self) -> Result<Option<Piece<'a>>, Malformed> {
        if self.reader.eat(b']') {
            return Ok(None);
        }
        if self.begun && !self.reader.eat(b',') {
            return Err(Malformed);
        }
        self.begun = true;
        self.reader.value().map(Some)
    }
}

/// Whether a key is this one.
pub(crate) fn is_key(key: Piece<'_>, wanted: &str) -> bool {
    if key.escaped {
        return key.unquoted().is_ok_and(|key| key == wanted);
    }
    key.inner() == Some(wanted)
}

/// The value under these keys; `None` where there is no such value, or no object on the way. Of a key that comes twice the
/// last one counts.
pub(crate) fn find<'a>(text: &'a str, keys: &[String]) -> Result<Option<Piece<'a>>, Malformed> {
    find_each(text, [keys], false).map(|[found]| found)
}

/// The values under several lists of keys, in one pass; with `first`, of a key that comes twice the first one counts, and
/// what stands behind the last one wanted is not looked at.
pub(crate) fn find_each<'a, const N: usize>(
    text: &'a str,
    wanted: [&[String]; N],
    first: bool,
) -> Result<[Option<Piece<'a>>; N], Malformed> {
    let mut found = [None; N];
    for (keys, found) in wanted.iter().zip(&mut found) {
        if keys.is_empty() {
            *found = Some(Reader { text, at: 0 }.value()?);
        }
    }
    let Some(mut entries) = Entries::of(text) else {
        return Ok(found);
    };
    while !(first && found.iter().all(Option::is_some))
        && let Some((key, value)) = entries.next()?
    {
        for (keys, found) in wanted.iter().zip(&mut found) {
            if let Some((top, deeper)) = keys.split_first()
                && !(first && found.is_some())
                && is_key(key, top)
            {
                *found = if deeper.is_empty() {
                    Some(value)
                } else {
                    find(value.text, deeper)?
                };
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::{Elements, Entries, Malformed, find};
    use crate::testing::random::Random;

    #[test]
    fn it_finds_what_a_parser_finds() {
        let text =
            r#" { "a" : [1, {"b": "]}"} , "\"\\"] , "c\u0064":{"e":null , "f":-1.5e3},"":true, "日本":"x\\","z":{}} "#;
        let mut entries = Entries::of(text).expect("an object");
        let mut all = Vec::new();
        while let Some((key, value)) = entries.next().expect("JSON") {
            let key: String = serde_json::from_str(key.text).expect("a key");
            all.push((key, value.text));
        }
        let expected: Vec<(String, Box<RawValue>)> = {
            let map: indexed::Pairs = serde_json::from_str(text).expect("JSON");
            map.0
        };
        assert_eq!(all.len(), expected.len());
        for ((key, value), (wanted, raw)) in all.iter().zip(&expected) {
            assert_eq!((key.as_str(), *value), (wanted.as_str(), raw.get()));
        }
        let keys = |keys: &[&str]| keys.iter().map(|&key| key.to_owned()).collect::<Vec<_>>();
        for (path, expected) in [
            (&["cd", "f"][..], Ok(Some("-1.5e3"))),
            (&["cd", "x"], Ok(None)),
            (&["a", "b"], Ok(None)),
            (&["", "b"], Ok(None)),
            (&["z"], Ok(Some("{}"))),
        ] {
            let found = find(text, &keys(path)).map(|found| found.map(|piece| piece.text));
            assert_eq!(found, expected, "{path:?}");
        }
        let mut elements = Elements::of("[ 1,\"a\\\"\" , [[]],{} ]").expect("an array");
        for expected in ["1", "\"a\\\"\"", "[[]]", "{}"] {
            assert_eq!(
                elements.next().map(|piece| piece.map(|piece| piece.text)),
                Ok(Some(expected))
            );
        }
        assert_eq!(elements.next(), Ok(None));
    }

    /// Pairs of an object in their order.
    mod indexed {
        use serde::Deserialize;
        use serde::de::{Deserializer, MapAccess, Visitor};
        use serde_json::value::RawValue;

        pub(super) struct Pairs(pub(super) Vec<(String, Box<RawValue>)>);

        impl<'de> Deserialize<'de> for Pairs {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct All;
                impl<'de> Visitor<'de> for All {
                    type Value = Pairs;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }
                    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                        let mut pairs = Vec::new();
                        while let Some(pair) = map.next_entry()? {
                            pairs.push(pair);
                        }
                        Ok(Pairs(pairs))
                    }
                }
                deserializer.deserialize_map(All)
            }
        }
    }

    #[test]
    fn what_is_no_json_never_panics() {
        let text = r#"{"a":[1,{"b":"]}"},"\"\\"],"日本":"x\u00e9","t":true,"n":null,"d":{"e":-1}}"#;
        let mut random = Random::new(7);
        for _ in 0..20_000 {
            let mut chars: Vec<char> = text.chars().collect();
            for _ in 0..=random.below(3) {
                let at = random.below(chars.len());
                match random.below(3) {
                    0 => chars.truncate(at.max(1)),
                    1 => chars[at] = ['"', '\\', '{', '}', ',', 'é'][random.below(6)],
                    _ => drop(chars.remove(at)),
                }
                if chars.is_empty() {
                    break;
                }
            }
            let broken: String = chars.into_iter().collect();
            let _ = find(&broken, &["d".to_owned(), "e".to_owned()]).map(|found| found.map(super::Piece::scalar));
            if let Some(mut entries) = Entries::of(&broken) {
                while let Ok(Some((_, value))) = entries.next() {
                    let _ = value.scalar();
                }
            }
        }
        for text in [
            "",
            "{",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "{\"a\\",
            "{\"a\":\"",
            "{\"a\":[",
            "{1:2}",
        ] {
            let keys = ["a".to_owned()];
            assert!(matches!(find(text, &keys), Err(Malformed) | Ok(None)), "{text}");
        }
    }
}
