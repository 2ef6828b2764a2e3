//! Ids in paths.

/// An id, or a locale, as a segment of a path. The desk's ids are digits; what is none of ours must not lead elsewhere.
pub fn segment(id: &str) -> String {
    use std::fmt::Write as _;

    let mut text = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::segment;

    #[test]
    fn ids_stay_segments() {
        for (id, expected) in [
            ("731500000004410237", "731500000004410237"),
            ("../x?a=1", "%2E%2E%2Fx%3Fa%3D1"),
            ("é", "%C3%A9"),
        ] {
            assert_eq!(segment(id), expected);
        }
    }
}
