//! The value of one field, as an author writes it.

use abi_stable::std_types::RStr;

use crate::Timestamp;
use crate::abi::{Cell, CellKind, text};

/// The value of one field of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Value<'a> {
    /// No value: an empty field.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number. What does not fit is written as [`Value::Text`], digit by digit.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// Text.
    Text(&'a str),
    /// A moment.
    Time(Timestamp),
    /// A JSON value, as text.
    Json(&'a str),
}

impl<'a> Value<'a> {
    /// As it crosses the ABI.
    #[inline]
    pub(crate) fn to_cell(self) -> Cell<'a> {
        let (kind, bits, text) = match self {
            Self::Null => (CellKind::NULL, 0, ""),
            Self::Bool(value) => (CellKind::BOOL, u64::from(value), ""),
            Self::Int(value) => (CellKind::INT, value.cast_unsigned(), ""),
            Self::Float(value) => (CellKind::FLOAT, value.to_bits(), ""),
            Self::Text(value) => (CellKind::TEXT, 0, value),
            Self::Time(value) => (CellKind::TIME, value.micros().cast_unsigned(), ""),
            Self::Json(value) => (CellKind::JSON, 0, value),
        };
        Cell {
            kind,
            bits,
            text: RStr::from_str(text),
        }
    }

    /// What a cell that crossed the ABI means; the kind's number where it is not known, or its text is not
    /// UTF-8.
    #[inline]
    pub fn from_cell(cell: &'a Cell<'a>) -> Result<Self, u8> {
        let text = || text(&cell.text).map_err(|_| cell.kind.0);
        Ok(match cell.kind {
            CellKind::NULL => Self::Null,
            CellKind::BOOL => Self::Bool(cell.bits != 0),
            CellKind::INT => Self::Int(cell.bits.cast_signed()),
            CellKind::FLOAT => Self::Float(f64::from_bits(cell.bits)),
            CellKind::TEXT => Self::Text(text()?),
            CellKind::TIME => Self::Time(Timestamp::from_micros(cell.bits.cast_signed())),
            CellKind::JSON => Self::Json(text()?),
            CellKind(other) => return Err(other),
        })
    }
}
