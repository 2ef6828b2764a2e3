//! Custom fields of each module, and the rows that describe a module's fields.

use super::dice::Dice;
use super::id::Place;
use super::json::{Escape, Object, escape, escaped, k, number};
use super::text::Texts;
use super::{Id, Kind};

/// Modules that have fields, with their kind.
const MODULES: [(&str, Kind); 9] = [
    ("tickets", Kind::Ticket),
    ("contacts", Kind::Contact),
    ("accounts", Kind::Account),
    ("tasks", Kind::Task),
    ("timeEntry", Kind::TimeEntry),
    ("products", Kind::Product),
    ("calls", Kind::Call),
    ("events", Kind::Event),
    ("agents", Kind::Agent),
];

/// API name, label and type of the fields, in the order in which modules take them.
const FIELDS: [(&str, &str, Type); 40] = [
    ("cf_serial_number", "Serial number", Type::Text),
    ("cf_warranty_end", "Warranty end", Type::Date),
    ("cf_vip", "VIP", Type::Boolean),
    ("cf_groesse", "Größe, Länge & Breite", Type::Decimal),
    ("cf_quoted", "So-called \"root cause\"", Type::Textarea),
    ("cf_kanri_bangou", "管理番号", Type::Text),
    ("cf_tags_2", "Tags; more", Type::Multiselect),
    ("cf_callback_at", "Call back at", Type::DateTime),
    ("cf_order_no", "Order No.", Type::Number),
    ("cf_price", "Price (€)", Type::Currency),
    ("cf_discount", "Discount %", Type::Percent),
    ("cf_region", "Region", Type::Picklist),
    ("cf_shop_url", "Shop URL", Type::Url),
    ("cf_second_mail", "2nd e-mail", Type::Email),
    ("cf_hotline", "Hotline", Type::Phone),
    ("cf_formula", "=Formula", Type::Text),
    ("cf_number_as_text", "Number as text", Type::Text),
    ("cf_subject", "Subject", Type::Text),
    ("cf_id", "Id", Type::Text),
    ("cf_arabic", "ملاحظة", Type::Text),
    ("cf_hebrew", "הערה", Type::Text),
    ("cf_emoji", "Mood 🙂", Type::Picklist),
    ("cf_two_lines", "Two\nlines", Type::Textarea),
    ("cf_lookup", "Related record", Type::LookUp),
    ("cf_auto", "Auto number", Type::AutoNumber),
    ("cf_fax", "Fax", Type::Phone),
    ("cf_large", "Large text", Type::Textarea),
    ("cf_empty", "Always empty", Type::Empty),
    ("cf_27", "27", Type::Number),
    ("cf_mixedCase", "Mixed Case", Type::Text),
    ("cf_null", "NULL", Type::Boolean),
    ("cf_semicolon", "a;b", Type::Multiselect),
    ("cf_tab", "Tab\tlabel", Type::Text),
    ("cf_backslash", "Back\\slash", Type::Text),
    ("cf_kana", "フリガナ", Type::Text),
    ("cf_due", "Fällig am", Type::Date),
    ("cf_sent_at", "Sent at", Type::DateTime),
    ("cf_weight", "Weight, kg", Type::Decimal),
    (
        "cf_very_long_api_name_that_goes_on_and_on_and_on_1",
        "A label that goes on and on, and then on some more",
        Type::Text,
    ),
    ("cf_last", "Last one", Type::Picklist),
];

const STANDARD: [(&str, &str, Type); 4] = [
    ("subject", "Subject", Type::Text),
    ("status", "Status", Type::Picklist),
    ("description", "Description", Type::Textarea),
    ("phone", "Phone", Type::Phone),
];

const CHOICES: [&str; 6] = ["EMEA", "APAC", "Süd, West", "関東", "\"other\"", "😀"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Text,
    Textarea,
    Date,
    DateTime,
    Boolean,
    Number,
    Decimal,
    Currency,
    Percent,
    Picklist,
    Multiselect,
    Url,
    Email,
    Phone,
    LookUp,
    AutoNumber,
    Empty,
}

impl Type {
    const fn name(self) -> &'static [u8] {
        match self {
            Self::Text | Self::Empty => b"Text",
            Self::Textarea => b"Textarea",
            Self::Date => b"Date",
            Self::DateTime => b"DateTime",
            Self::Boolean => b"Boolean",
            Self::Number => b"Number",
            Self::Decimal => b"Decimal",
            Self::Currency => b"Currency",
            Self::Percent => b"Percent",
            Self::Picklist => b"Picklist",
            Self::Multiselect => b"Multiselect",
            Self::Url => b"URL",
            Self::Email => b"Email",
            Self::Phone => b"Phone",
            Self::LookUp => b"LookUp",
            Self::AutoNumber => b"AutoNumber",
        }
    }
}

struct Field {
    /// `,"cf_x":`
    key: Box<[u8]>,
    /// `,"Label":`
    label: Box<[u8]>,
    kind: Type,
}

/// The custom fields of a module.
pub(super) struct Custom {
    fields: Vec<Field>,
    choices: Vec<Box<[u8]>>,
}

impl Custom {
    /// The first `count` of them.
    pub(super) fn new(count: u32) -> Self {
        let key = |text: &str| -> Box<[u8]> {
            let mut out = b",\"".to_vec();
            escape(&mut out, text, Escape::Plain);
            out.extend_from_slice(b"\":");
            out.into()
        };
        let fields = FIELDS.iter().take(count as usize);
        Self {
            fields: fields
                .map(|(name, label, kind)| Field {
                    key: key(name),
                    label: key(label),
                    kind: *kind,
                })
                .collect(),
            choices: CHOICES.iter().map(|text| escaped(text, Escape::Plain)).collect(),
        }
    }

    /// `cf` and `customFields` of a record.
    pub(super) fn write(&self, o: &mut Object<'_>, dice: Dice, texts: &Texts) {
        // The values are the same under both names: what was written is copied.
        let mut ends = [(0, 0); FIELDS.len()];
        o.object(k!("cf"), |o| {
            for (n, field) in self.fields.iter().enumerate() {
                let from = o.out.len() + field.key.len();
                self.value(o, &field.key, field.kind, dice.throw(500 + n as u64), texts);
                ends[n] = (from, o.out.len());
            }
        });
        o.object(k!("customFields"), |o| {
            for (field, (from, to)) in self.fields.iter().zip(ends) {
                o.out.extend_from_slice(&field.label);
                o.out.extend_from_within(from..to);
            }
        });
    }

    fn value(&self, o: &mut Object<'_>, key: &[u8], kind: Type, throw: u64, texts: &Texts) {
        let rest = throw >> 8;
        if kind == Type::Empty || throw.is_multiple_of(4) {
            o.null(key);
            return;
        }
        let decimal = |out: &mut Vec<u8>, whole: u64| {
            if rest.is_multiple_of(8) {
                out.push(b'-');
            }
            number(out, whole);
            out.push(b'.');
            out.extend_from_slice(&[b'0' + (rest >> 9 & 7) as u8, b'0']);
        };
        match kind {
            Type::Empty => {}
            Type::Text | Type::Textarea if throw & 0b1100 == 0 => o.text(key, texts.odd.pick(throw.rotate_left(8))),
            Type::Text => o.made(key, |out| {
                out.extend_from_slice(b"LP-");
                number(out, rest % 100_000);
            }),
            Type::Textarea => o.text(key, texts.summaries.pick(throw.rotate_left(8))),
            Type::Date => o.made(key, |out| {
                super::json::time(
                    out,
                    (1_600_000_000 + (rest % 200_000_000) as i64) * super::clock::SECOND,
                );
                out.truncate(out.len() - "T00:00:00.000Z".len());
            }),
            Type::DateTime => o.time(
                key,
                (1_600_000_000 + (rest % 200_000_000) as i64) * super::clock::SECOND,
            ),
            Type::Boolean => o.text(key, if rest & 1 == 0 { b"true" } else { b"false" }),
            Type::Number => o.count(
                key,
                if rest.is_multiple_of(8) {
                    9_007_199_254_740_993
                } else {
                    rest % 1_000_000
                },
            ),
            Type::Decimal | Type::Currency | Type::Percent => o.made(key, |out| decimal(out, rest >> 12 & 0xffff)),
            Type::Picklist => o.text(key, &self.choices[rest as usize % self.choices.len()]),
            Type::Multiselect => o.made(key, |out| {
                for n in 0..=rest as usize % 3 {
                    if n > 0 {
                        out.push(b';');
                    }
                    out.extend_from_slice(&self.choices[(rest as usize / 8 + n) % self.choices.len()]);
                }
            }),
            Type::Url => o.made(key, |out| {
                out.extend_from_slice(b"https:\\/\\/shop.example\\/?q=1,2&r=");
                number(out, rest % 1000);
            }),
            Type::Email => o.made(key, |out| {
                out.extend_from_slice(b"second+");
                number(out, rest % 100_000);
                out.extend_from_slice(b"@mail.example");
            }),
            Type::Phone => o.made(key, |out| Texts::phone(out, rest)),
            Type::LookUp => o.id(key, Id::misc((rest % 10_000) as u32 + 1000)),
            Type::AutoNumber => o.count(key, rest % 1_000_000),
        }
    }
}

/// `{"data": [...]}`-less list of the fields of a module: some standard ones, then the custom ones. Empty if there is no such module.
pub(super) fn write_fields(module: &str, count: u32, texts: bool, out: &mut Vec<u8>) {
    out.push(b'[');
    if let Some(module) = MODULES.iter().position(|(name, _)| *name == module) {
        // Agents of this desk have no custom fields.
        let custom = if MODULES[module].1 == Kind::Agent {
            0
        } else {
            count as usize
        };
        let fields = STANDARD.iter().map(|field| (field, false));
        for (n, (field, custom)) in fields
            .chain(FIELDS.iter().take(custom).map(|field| (field, true)))
            .enumerate()
        {
            if n > 0 {
                out.push(b',');
            }
            field_row(out, texts, (module * 64 + n) as u32, n, field, custom);
        }
    }
    out.push(b']');
}

fn field_row(out: &mut Vec<u8>, texts: bool, index: u32, n: usize, field: &(&str, &str, Type), custom: bool) {
    let (name, label, kind) = field;
    let mut o = Object::new(out, texts);
    o.id(k!("id"), Place::top(Kind::Field, index).id());
    o.text(k!("apiName"), name.as_bytes());
    o.made(k!("displayLabel"), |out| escape(out, label, Escape::Plain));
    o.made(k!("i18NLabel"), |out| escape(out, label, Escape::Ascii));
    o.made_if(k!("name"), custom, |out| {
        out.extend_from_slice(b"CASECF");
        number(out, n as u64);
    });
    o.text(k!("type"), kind.name());
    o.raw(
        k!("maxLength"),
        if matches!(kind, Type::Text | Type::Url | Type::Email) {
            b"255"
        } else {
            b"null"
        },
    );
    o.bool(k!("isCustomField"), custom);
    o.bool(k!("isMandatory"), !custom && n == 0);
    o.bool(k!("isEncryptedField"), false);
    o.bool(k!("showToHelpCenter"), n.is_multiple_of(2));
    let choices: &[&str] = if matches!(kind, Type::Picklist | Type::Multiselect) {
        &CHOICES
    } else {
        &[]
    };
    o.list(k!("allowedValues"), choices, |out, choice| {
        out.extend_from_slice(b"{\"value\":\"");
        escape(out, choice, Escape::Plain);
        out.extend_from_slice(b"\"}");
    });
    o.null(k!("toolTip"));
    o.bool(k!("isRemovable"), custom);
    o.end();
}
