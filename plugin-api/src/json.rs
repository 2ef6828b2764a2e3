//! Finding one's way in JSON that is known to be JSON: a record that was told apart already, and so was checked.
//!
//! It does not check again: what is no JSON gives [`Malformed`] or any piece of the text, but never a panic. That makes it
//! several times as fast as a parser; every record passes through here twice, so it goes over the text once each time.

use std::borrow::Cow;

/// The text is no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// A value as it stands in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    /// The whole of it.
    pub(crate) text: &'a str,
    /// How many escapes are in it, if it is a string.
    pub(crate) escapes: usize,
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
        if self.escapes > 0 {
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
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    #[inline]
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

    #[inline]
    fn eat(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    /// Passes over the string that begins here, and tells how many escapes it has: what a register takes, because a piece
    /// goes through memory.
    fn string(&mut self) -> Result<usize, Malformed> {
        if self.text.as_bytes().get(self.at) != Some(&b'"') {
            return Err(Malformed);
        }
        self.at += 1;
        let mut escapes = 0;
        loop {
            let rest = self.text.as_bytes().get(self.at..).ok_or(Malformed)?;
            let found = mark(rest).ok_or(Malformed)?;
            if rest[found] == b'"' {
                self.at += found + 1;
                return Ok(escapes);
            }
            escapes += 1;
            self.at += found + 2;
        }
    }

    /// What stands from here to where the reader is now.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "a piece that goes through memory costs more than to find it"
    )]
    fn since(&self, begin: usize, escapes: usize) -> Result<Piece<'a>, Malformed> {
        let text = self.text.get(begin..self.at).filter(|text| !text.is_empty());
        text.map(|text| Piece { text, escapes }).ok_or(Malformed)
    }

    /// Goes through the object that begins here, and passes over what `read` leaves of it; `false` where none does.
    pub(crate) fn object<E: From<Malformed>>(
        &mut self,
        read: impl FnOnce(&mut Entries<'a>) -> Result<(), E>,
    ) -> Result<bool, E> {
        if !self.eat(b'{') {
            return Ok(false);
        }
        let mut entries = Entries::at(*self);
        read(&mut entries)?;
        *self = entries.reader;
        if !entries.ended {
            self.leave(1)?;
        }
        Ok(true)
    }

    /// Goes through the array that begins here: `read` takes all of it; `false` where none does.
    pub(crate) fn array<E: From<Malformed>>(
        &mut self,
        read: impl FnOnce(&mut Elements<'a>) -> Result<(), E>,
    ) -> Result<bool, E> {
        if !self.eat(b'[') {
            return Ok(false);
        }
        let mut elements = Elements::at(*self);
        read(&mut elements)?;
        *self = elements.reader;
        Ok(true)
    }

    /// The value that begins here.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "a piece that goes through memory costs more than to find it"
    )]
    pub(crate) fn value(&mut self) -> Result<Piece<'a>, Malformed> {
        let first = self.peek().ok_or(Malformed)?;
        let begin = self.at;
        let escapes = match first {
            b'"' => self.string()?,
            b'{' | b'[' => {
                self.leave(0)?;
                0
            }
            _ => {
                let rest = &self.text.as_bytes()[begin..];
                let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t');
                self.at += rest.iter().position(ends).unwrap_or(rest.len());
                0
            }
        };
        self.since(begin, escapes)
    }

    /// Passes over what is left of objects and arrays, so many of which were entered; of none: over the next one.
    fn leave(&mut self, mut depth: usize) -> Result<(), Malformed> {
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

/// Where the first quote or backslash is.
#[inline]
fn mark(text: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let is = |word: u64, byte: u8| {
        let zero_where_it_is = word ^ (ONES * u64::from(byte));
        // The top bit of a byte that is zero. It may be set wrongly, but only above one that is set rightly.
        zero_where_it_is.wrapping_sub(ONES) & !zero_where_it_is & (ONES << 7)
    };
    // Nearly all strings are short: eight bytes at a time cost less than the call of what is fast with long ones.
    let (words, _) = text.as_chunks::<8>();
    let words = &words[..words.len().min(4)];
    for (number, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = is(word, b'"') | is(word, b'\\');
        if found != 0 {
            return Some(8 * number + found.trailing_zeros() as usize / 8);
        }
    }
    let done = words.as_flattened().len();
    memchr::memchr2(b'"', b'\\', &text[done..]).map(|at| done + at)
}

/// The keys and values of an object, in their order.
pub(crate) struct Entries<'a> {
    /// Behind a key it is at its value.
    pub(crate) reader: Reader<'a>,
    begun: bool,
    ended: bool,
}

impl<'a> Entries<'a> {
    /// `None` if the value is no object.
    pub(crate) fn of(text: &'a str) -> Option<Self> {
        let mut reader = Reader::new(text);
        reader.eat(b'{').then(|| Self::at(reader))
    }

    fn at(reader: Reader<'a>) -> Self {
        Self {
            reader,
            begun: false,
            ended: false,
        }
    }

    /// The next key, with its quotes. Its value has to be read next, by the [`reader`](Self::reader).
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "a piece that goes through memory costs more than to find it"
    )]
    pub(crate) fn key(&mut self) -> Result<Option<Piece<'a>>, Malformed> {
        if self.reader.eat(b'}') {
            self.ended = true;
            return Ok(None);
        }
        if self.begun && !self.reader.eat(b',') {
            return Err(Malformed);
        }
        self.begun = true;
        self.reader.peek();
        let begin = self.reader.at;
        let escapes = self.reader.string()?;
        let key = self.reader.since(begin, escapes)?;
        if !self.reader.eat(b':') {
            return Err(Malformed);
        }
        Ok(Some(key))
    }

    /// The next key, with its quotes, and its value.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<(Piece<'a>, Piece<'a>)>, Malformed> {
        match self.key()? {
            Some(key) => Ok(Some((key, self.reader.value()?))),
            None => Ok(None),
        }
    }
}

/// The values of an array, in their order.
pub(crate) struct Elements<'a> {
    /// It is at the next value.
    pub(crate) reader: Reader<'a>,
    begun: bool,
}

impl<'a> Elements<'a> {
    fn at(reader: Reader<'a>) -> Self {
        Self { reader, begun: false }
    }

    /// Whether there is one more value. It has to be read next, by the [`reader`](Self::reader).
    pub(crate) fn more(&mut self) -> Result<bool, Malformed> {
        if self.reader.eat(b']') {
            return Ok(false);
        }
        if self.begun && !self.reader.eat(b',') {
            return Err(Malformed);
        }
        self.begun = true;
        Ok(true)
    }
}

/// Whether a key is this one.
pub(crate) fn is_key(key: Piece<'_>, wanted: &str) -> bool {
    if key.escapes > 0 {
        return key.unquoted().is_ok_and(|key| key == wanted);
    }
    key.inner() == Some(wanted)
}

/// The value under these keys; `None` where there is no such value, or no object on the way. Of a key that comes twice the
/// last one counts.
fn find<'a>(text: &'a str, keys: &[String]) -> Result<Option<Piece<'a>>, Malformed> {
    let Some((top, deeper)) = keys.split_first() else {
        return Reader::new(text).value().map(Some);
    };
    let mut found = None;
    if let Some(mut entries) = Entries::of(text) {
        while let Some((key, value)) = entries.next()? {
            if is_key(key, top) {
                found = find(value.text, deeper)?;
            }
        }
    }
    Ok(found)
}

/// The values under several lists of keys of an object, in one pass. Of a key that comes twice the first one counts, and
/// what stands behind the last one wanted is not looked at.
pub(crate) fn find_first<'a, const N: usize>(
    entries: &mut Entries<'a>,
    wanted: [&[String]; N],
) -> Result<[Option<Piece<'a>>; N], Malformed> {
    let mut found = [None; N];
    while !found.iter().all(Option::is_some)
        && let Some((key, value)) = entries.next()?
    {
        for (keys, found) in wanted.iter().zip(&mut found) {
            if let Some((top, deeper)) = keys.split_first()
                && found.is_none()
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

    use super::{Entries, Malformed, Reader, find, find_first, mark};
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
        let mut found = Vec::new();
        let is_array = Reader::new("[ 1,\"a\\\"\" , [[]],{} ]").array(|elements| {
            while elements.more()? {
                found.push(elements.reader.value()?.text);
            }
            Ok::<_, Malformed>(())
        });
        assert_eq!(is_array, Ok(true));
        assert_eq!(found, ["1", "\"a\\\"\"", "[[]]", "{}"]);
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
    fn a_string_ends_at_its_first_mark() {
        let mut random = Random::new(3);
        // Among them what differs from a mark by its lowest or its highest bit.
        let bytes = [
            b'a',
            b'"',
            b'\\',
            b'#',
            b']',
            b'"' | 0x80,
            b'\\' | 0x80,
            0,
            0x01,
            0xff,
            b'!',
            b'[',
        ];
        for _ in 0..50_000 {
            let rare = random.below(40);
            let text: Vec<u8> = (0..random.below(80))
                .map(|_| match random.below(bytes.len() + rare) {
                    at if at < bytes.len() => bytes[at],
                    _ => b'#',
                })
                .collect();
            let expected = text.iter().position(|byte| matches!(byte, b'"' | b'\\'));
            assert_eq!(mark(&text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_left_of_an_object_is_passed_over() {
        let keys = |keys: &[&str]| keys.iter().map(|&key| key.to_owned()).collect::<Vec<_>>();
        let (a, bc) = (keys(&["a"]), keys(&["b", "c"]));
        for (text, found, behind) in [
            (r#"{"a":1,"b":{"c":2},"x":[{"}":"]"}]},7"#, [Some("1"), Some("2")], ",7"),
            (r#" {"b":{"c":{}},"a":[],"a":2} ]"#, [Some("[]"), Some("{}")], " ]"),
            (r#"{"x":"a","b":[]}}"#, [None, None], "}"),
            ("{}", [None, None], ""),
        ] {
            let mut reader = Reader::new(text);
            let mut texts = [None; 2];
            let is_object = reader.object(|entries| {
                texts = find_first(entries, [&a, &bc])?.map(|piece| piece.map(|piece| piece.text));
                Ok::<_, Malformed>(())
            });
            assert_eq!((is_object, texts), (Ok(true), found), "{text}");
            assert_eq!(&text[reader.at..], behind, "{text}");
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
