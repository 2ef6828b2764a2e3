//! Texts that are none: the types of the boundary promise UTF-8, but only the other side could keep it.
#![allow(unsafe_code, reason = "makes what only another library could")]

use abi_stable::std_types::{RStr, RString};

use super::{AbiError, Cell, CellKind, lossy_text, text};
use crate::{ErrorKind, ExportError, Value};

const BAD: &[u8] = b"caf\xe9 \xf0\x9f";

fn bad_str() -> RStr<'static> {
    // SAFETY: the bytes live for ever; that they are no text is what is tested, and nothing here makes a `str` of them.
    unsafe { RStr::from_raw_parts(BAD.as_ptr(), BAD.len()) }
}

fn bad_string() -> RString {
    // SAFETY: as above.
    unsafe { RString::from_utf8_unchecked(BAD.to_vec().into()) }
}

#[test]
fn what_is_no_text_is_found_or_mended() {
    assert_eq!(text(&RStr::from_str("日本")), Ok("日本"));
    assert!(text(&bad_str()).is_err());
    assert_eq!(lossy_text("日本".into()), "日本");
    assert_eq!(lossy_text(bad_string()), "caf\u{fffd} \u{fffd}");
    for kind in [CellKind::TEXT, CellKind::JSON] {
        let cell = Cell {
            kind,
            bits: 0,
            text: bad_str(),
        };
        assert_eq!(Value::from_cell(&cell), Err(kind.0));
    }
    let error = ExportError::from(AbiError {
        kind: ErrorKind::Http.code(),
        message: bad_string(),
        detail_json: bad_string(),
    });
    assert_eq!((error.message.as_str(), error.status), ("caf\u{fffd} \u{fffd}", None));
}

/// Short and long texts are checked in different ways.
#[test]
fn a_bad_byte_is_found_wherever_it_is() {
    for length in [1, 15, 63, 64, 65, 127, 128, 200, 4096] {
        for at in [0, length / 2, length - 1] {
            for bad in [0x80, 0xc3, 0xed, 0xf5, 0xff] {
                let mut bytes = vec![b'a'; length];
                bytes[at] = bad;
                // SAFETY: the bytes live as long as it does; as above.
                let given = unsafe { RStr::from_raw_parts(bytes.as_ptr(), bytes.len()) };
                let expected = std::str::from_utf8(&bytes);
                assert!(expected.is_err());
                assert_eq!(text(&given), expected, "{bad:#x} at {at} of {length}");
            }
        }
    }
}
