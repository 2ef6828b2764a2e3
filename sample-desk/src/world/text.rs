//! Texts as on a real help desk, put together from pools that are escaped beforehand.

mod names;
mod phrases;

use super::dice::Dice;
use super::json::{Escape, escape, escaped, number};

/// Paragraphs that bodies are made of.
const PARAGRAPHS: u64 = 256;
/// A body that is huge has at least so many bytes, escaped: a megabyte without the escapes.
const HUGE: usize = 5 << 18;

/// Escaped texts.
pub(super) struct Pool(Vec<Box<[u8]>>);

impl Pool {
    fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        // One in eight comes with \uXXXX.
        let how = |n| if n % 8 == 5 { Escape::Ascii } else { Escape::Plain };
        Self(
            texts
                .into_iter()
                .enumerate()
                .map(|(n, text)| escaped(text, how(n)))
                .collect(),
        )
    }

    /// One of them.
    #[inline]
    pub(super) fn pick(&self, throw: u64) -> &[u8] {
        &self.0[((u128::from(throw) * self.0.len() as u128) >> 64) as usize]
    }
}

/// A person, of a contact or an agent.
#[derive(Clone, Copy)]
pub(super) struct Name(u64);

impl Name {
    /// Named by a throw.
    pub(super) const fn new(throw: u64) -> Self {
        Self(throw)
    }

    const fn last(self) -> u64 {
        self.0.rotate_left(29).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// All pools.
pub(super) struct Texts {
    first: Pool,
    first_mail: Pool,
    last: Pool,
    last_mail: Pool,
    companies: Pool,
    firms: Pool,
    cities: Pool,
    countries: Pool,
    streets: Pool,
    /// Names of products.
    pub(super) products: Pool,
    /// Names of files.
    pub(super) files: Pool,
    subjects: Pool,
    sentences: Pool,
    /// Texts that are mistaken for something else.
    pub(super) odd: Pool,
    /// At most 100 characters each.
    pub(super) summaries: Pool,
    paragraphs: Vec<Box<[u8]>>,
    plain: Vec<Box<[u8]>>,
}

impl Texts {
    /// The pools of a seed.
    pub(super) fn new(seed: u64) -> Self {
        let dice = Dice::new(seed, 200, 0);
        let summaries = phrases::SENTENCE.iter().chain(phrases::SUBJECT);
        Self {
            first: Pool::of(names::FIRST.iter().map(|name| name.0)),
            first_mail: Pool::of(names::FIRST.iter().map(|name| name.1)),
            last: Pool::of(names::LAST.iter().map(|name| name.0)),
            last_mail: Pool::of(names::LAST.iter().map(|name| name.1)),
            companies: Pool::of(names::COMPANY.iter().copied()),
            firms: Pool::of(names::FIRM.iter().copied()),
            cities: Pool::of(names::CITY.iter().map(|city| city.0)),
            countries: Pool::of(names::CITY.iter().map(|city| city.1)),
            streets: Pool::of(names::STREET.iter().copied()),
            products: Pool::of(names::PRODUCT.iter().copied()),
            files: Pool::of(names::FILE.iter().copied()),
            subjects: Pool::of(phrases::SUBJECT.iter().copied()),
            sentences: Pool::of(phrases::SENTENCE.iter().copied()),
            odd: Pool::of(phrases::ODD.iter().copied()),
            summaries: Pool::of(summaries.copied().filter(|text| text.chars().count() <= 100)),
            paragraphs: (0..PARAGRAPHS).map(|n| paragraph(dice.with(n), true)).collect(),
            plain: (0..PARAGRAPHS).map(|n| paragraph(dice.with(1000 + n), false)).collect(),
        }
    }

    /// First name.
    pub(super) fn first(&self, name: Name) -> &[u8] {
        self.first.pick(name.0)
    }

    /// Last name.
    pub(super) fn last(&self, name: Name) -> &[u8] {
        self.last.pick(name.last())
    }

    /// First and last name, or the last one alone.
    pub(super) fn full(&self, out: &mut Vec<u8>, name: Name, with_first: bool) {
        if with_first {
            out.extend_from_slice(self.first(name));
            out.push(b' ');
        }
        out.extend_from_slice(self.last(name));
    }

    /// The mail address of someone who is the only one of this `number` at `host`.
    pub(super) fn mail(&self, out: &mut Vec<u8>, name: Name, unique: u64, host: &[u8]) {
        out.extend_from_slice(self.first_mail.pick(name.0));
        out.push(b'.');
        out.extend_from_slice(self.last_mail.pick(name.last()));
        number(out, unique);
        out.push(b'@');
        out.extend_from_slice(host);
    }

    /// A company.
    pub(super) fn company(&self, out: &mut Vec<u8>, throw: u64, unique: u64) {
        out.extend_from_slice(self.companies.pick(throw));
        out.push(b' ');
        out.extend_from_slice(self.firms.pick(throw.rotate_left(17).wrapping_mul(0x9e37_79b9)));
        out.push(b' ');
        number(out, unique + 1);
    }

    /// City.
    pub(super) fn city(&self, throw: u64) -> &[u8] {
        self.cities.pick(throw)
    }

    /// The country of the same throw's city.
    pub(super) fn country(&self, throw: u64) -> &[u8] {
        self.countries.pick(throw)
    }

    /// Street and number.
    pub(super) fn street(&self, out: &mut Vec<u8>, throw: u64) {
        out.extend_from_slice(self.streets.pick(throw));
        out.push(b' ');
        number(out, throw & 127);
    }

    /// A subject: mostly sober, now and then odd, and in 200 one that is very long.
    pub(super) fn subject(&self, out: &mut Vec<u8>, dice: Dice) {
        match dice.below(1, 200) {
            0 => {
                for n in 0..12 + dice.below(2, 20) {
                    out.extend_from_slice(self.sentences.pick(dice.throw(10 + n)));
                    out.push(b' ');
                }
            }
            1..=12 => out.extend_from_slice(self.odd.pick(dice.throw(3))),
            n => {
                out.extend_from_slice(self.subjects.pick(dice.throw(4)));
                if n > 60 {
                    out.extend_from_slice(b" #");
                    number(out, dice.below(5, 100_000));
                }
            }
        }
    }

    /// A phone number: as text it looks like a formula.
    pub(super) fn phone(out: &mut Vec<u8>, throw: u64) {
        out.extend_from_slice(if throw & 1 == 0 { b"+31 20 " } else { b"0" });
        number(out, 100 + (throw >> 8) % 900);
        out.extend_from_slice(if throw & 2 == 0 { b" " } else { b"-" });
        number(out, 1000 + (throw >> 24) % 9000);
    }

    /// A line: an odd one, or a sentence.
    pub(super) fn line(&self, dice: Dice) -> &[u8] {
        if dice.one_in(1, 5) {
            self.odd.pick(dice.throw(2))
        } else {
            self.sentences.pick(dice.throw(3))
        }
    }

    /// A body of 200 bytes to 8 KB, mostly short; `mark` is in it, so that no two are the same.
    pub(super) fn body(&self, out: &mut Vec<u8>, dice: Dice, mark: u64, html: bool) {
        let throw = dice.throw(1);
        let most = if throw.is_multiple_of(16) { 16 } else { 3 };
        let pool = if html { &self.paragraphs } else { &self.plain };
        self.head(out, mark, html);
        for n in 0..=(throw >> 8) % most {
            out.extend_from_slice(&pool[(dice.throw(10 + n) % PARAGRAPHS) as usize]);
        }
        out.extend_from_slice(if html { b"</div>" } else { b"-- \\r\\n" });
    }

    /// A body of a megabyte.
    pub(super) fn huge(&self, out: &mut Vec<u8>, dice: Dice, mark: u64) {
        let start = out.len();
        self.head(out, mark, true);
        for n in 0.. {
            if out.len() - start > HUGE {
                break;
            }
            out.extend_from_slice(&self.paragraphs[(dice.throw(10 + n) % PARAGRAPHS) as usize]);
        }
        out.extend_from_slice(b"</div>");
    }

    /// The beginning of a body: what a truncated one shows.
    pub(super) fn head(&self, out: &mut Vec<u8>, mark: u64, html: bool) {
        out.extend_from_slice(if html { b"<div>[" } else { b"[" });
        number(out, mark);
        out.extend_from_slice(b"] ");
        out.extend_from_slice(self.sentences.pick(super::dice::mix(mark)));
    }
}

/// A paragraph of 100 to 800 bytes.
fn paragraph(dice: Dice, html: bool) -> Box<[u8]> {
    let how = if dice.one_in(0, 8) {
        Escape::Ascii
    } else {
        Escape::Plain
    };
    let mut text = String::from(if html { "<p>" } else { "" });
    let pick = |pool: &[&'static str], what| pool[dice.below(what, pool.len() as u64) as usize];
    for n in 0..2 + dice.below(1, 5) {
        text.push_str(pick(phrases::SENTENCE, 10 + n));
        text.push_str(if html { " " } else { "\r\n" });
        if html && dice.one_in(30 + n, 3) {
            text.push_str(pick(phrases::HTML, 50 + n));
        }
        if dice.one_in(70 + n, 6) {
            text.push_str(pick(phrases::ODD, 90 + n));
        }
    }
    text.push_str(if html { "</p>\n" } else { "\n\n" });
    let mut out = Vec::new();
    escape(&mut out, &text, how);
    out.into()
}
