//! The bytes of a ZIP round its entries: headers, central directory, end records. Pure.
//!
//! An archive's layout follows from its manifest alone. The writer writes it, `verify` compares it byte by
//! byte: what is not as it must be has no place to hide.

use plugin_api::Timestamp;

use super::csv_row::Civil;
use super::manifest::Manifest;
use super::name;

pub(super) const LOCAL_HEADER: u32 = 0x0403_4b50;
pub(super) const CENTRAL_HEADER: u32 = 0x0201_4b50;
pub(super) const END_64: u32 = 0x0606_4b50;
pub(super) const LOCATOR_64: u32 = 0x0706_4b50;
pub(super) const END: u32 = 0x0605_4b50;
/// Made on Unix, by version 4.5 of the ZIP specification.
const MADE_BY: u16 = 0x032d;
/// Length of the end record; it has no comment.
pub(super) const END_LENGTH: u64 = 22;
/// Length of the ZIP64 end record and its locator.
pub(super) const END_64_LENGTH: u64 = 56 + 20;

/// From which sizes, offsets and counts on ZIP64 is used. Only tests use others than [`ZIP_32`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) size: u64,
    pub(super) entries: u64,
}

/// What the fields of a plain ZIP hold; their highest value says "see ZIP64".
pub(super) const ZIP_32: Limits = Limits {
    size: u32::MAX as u64,
    entries: u16::MAX as u64,
};

/// One entry and its place.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) stored: bool,
    pub(super) crc32: u32,
    pub(super) packed: u64,
    pub(super) plain: u64,
    /// Where its local header starts.
    pub(super) offset: u64,
}

/// All entries in order, and what the headers share.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) entries: Vec<Entry>,
    /// Where the central directory starts.
    pub(super) directory: u64,
    /// DOS date and time of every entry: when the backup started, in UTC.
    stamp: u32,
    limits: Limits,
}

impl Layout {
    /// The layout of the archive with this manifest, which itself is `text`.
    pub(super) fn of(manifest: &Manifest, text: &[u8], limits: Limits) -> Self {
        let mut layout = Self::empty(manifest.started, limits);
        for file in manifest.tables.iter().flat_map(|table| &table.files) {
            layout.push(&file.name, false, file.crc32, file.packed_bytes, file.bytes);
        }
        let length = text.len() as u64;
        layout.push(name::MANIFEST, true, crc32fast::hash(text), length, length);
        layout
    }

    pub(super) fn empty(started: Timestamp, limits: Limits) -> Self {
        Self {
            entries: Vec::new(),
            directory: 0,
            stamp: dos_stamp(started),
            limits,
        }
    }

    pub(super) fn push(&mut self, name: &str, stored: bool, crc32: u32, packed: u64, plain: u64) {
        let name = name.to_owned();
        let offset = self.directory;
        let entry = Entry {
            name,
            stored,
            crc32,
            packed,
            plain,
            offset,
        };
        // A manifest's sums are checked to be far below the end of the numbers.
        self.directory += self.local_header(&entry).len() as u64 + packed;
        self.entries.push(entry);
    }

    /// What stands before an entry's data.
    pub(super) fn local_header(&self, entry: &Entry) -> Vec<u8> {
        // Both sizes are in the ZIP64 field of a local header, or neither is.
        let big = entry.packed >= self.limits.size || entry.plain >= self.limits.size;
        let sizes: &[u64] = if big { &[entry.plain, entry.packed] } else { &[] };
        let mut out = Vec::with_capacity(50 + entry.name.len());
        push_32(&mut out, LOCAL_HEADER);
        self.push_common(&mut out, entry, big, big, sizes);
        out.extend_from_slice(entry.name.as_bytes());
        push_extra(&mut out, sizes);
        out
    }

    /// An entry's record in the central directory.
    pub(super) fn central_header(&self, entry: &Entry) -> Vec<u8> {
        let big = |value: u64| value >= self.limits.size;
        let over: Vec<u64> = [entry.plain, entry.packed, entry.offset]
            .into_iter()
            .filter(|value| big(*value))
            .collect();
        let mut out = Vec::with_capacity(80 + entry.name.len());
        push_32(&mut out, CENTRAL_HEADER);
        push_16(&mut out, MADE_BY);
        self.push_common(&mut out, entry, big(entry.packed), big(entry.plain), &over);
        push_16(&mut out, 0); // comment
        push_16(&mut out, 0); // disk
        push_16(&mut out, 0); // internal attributes
        push_32(&mut out, 0o100_644 << 16);
        push_32(
            &mut out,
            if big(entry.offset) {
                u32::MAX
            } else {
                entry.offset as u32
            },
        );
        out.extend_from_slice(entry.name.as_bytes());
        push_extra(&mut out, &over);
        out
    }

    /// What the two headers of an entry have in common.
    fn push_common(&self, out: &mut Vec<u8>, entry: &Entry, packed_over: bool, plain_over: bool, extra: &[u64]) {
        push_16(out, if extra.is_empty() { 20 } else { 45 });
        push_16(out, 0x0800); // names are UTF-8
        push_16(out, if entry.stored { 0 } else { 8 });
        push_32(out, self.stamp);
        push_32(out, entry.crc32);
        push_32(out, if packed_over { u32::MAX } else { entry.packed as u32 });
        push_32(out, if plain_over { u32::MAX } else { entry.plain as u32 });
        push_16(out, entry.name.len() as u16);
        push_16(
            out,
            if extra.is_empty() {
                0
            } else {
                4 + 8 * extra.len() as u16
            },
        );
    }

    /// What stands after the central directory, which is `length` bytes long.
    pub(super) fn end(&self, length: u64) -> Vec<u8> {
        let count = self.entries.len() as u64;
        let mut out = Vec::new();
        let many = count >= self.limits.entries;
        let long = length >= self.limits.size;
        let far = self.directory >= self.limits.size;
        if many || long || far {
            push_32(&mut out, END_64);
            push_64(&mut out, 44); // length of what follows in this record
            push_16(&mut out, MADE_BY);
            push_16(&mut out, 45);
            push_64(&mut out, 0); // two disk numbers
            for value in [count, count, length, self.directory] {
                push_64(&mut out, value);
            }
            push_32(&mut out, LOCATOR_64);
            push_32(&mut out, 0);
            push_64(&mut out, self.directory + length);
            push_32(&mut out, 1);
        }
        push_32(&mut out, END);
        push_32(&mut out, 0); // two disk numbers
        let short_count = if many { u16::MAX } else { count as u16 };
        push_16(&mut out, short_count);
        push_16(&mut out, short_count);
        push_32(&mut out, if long { u32::MAX } else { length as u32 });
        push_32(&mut out, if far { u32::MAX } else { self.directory as u32 });
        push_16(&mut out, 0); // comment
        out
    }
}

fn push_extra(out: &mut Vec<u8>, values: &[u64]) {
    if !values.is_empty() {
        push_16(out, 1); // ZIP64
        push_16(out, 8 * values.len() as u16);
        for value in values {
            push_64(out, *value);
        }
    }
}

fn push_16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn push_32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn push_64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

/// DOS time in the low, date in the high half. It counts in steps of two seconds, from 1980 to 2107; what is
/// outside gets the nearest end.
fn dos_stamp(time: Timestamp) -> u32 {
    let civil = Civil::of(time);
    match civil.year {
        ..1980 => 0x0021_0000,
        1980..=2107 => {
            let date = ((civil.year - 1980) as u32) << 9 | (civil.month << 5) | civil.day;
            let time = (civil.hour << 11) | (civil.minute << 5) | (civil.second / 2);
            date << 16 | time
        }
        2108.. => 0xff9f_bf7d,
    }
}

/// The number in the bytes from `at` on, or `None` beyond their end.
pub(super) fn read_16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|chunk| u16::from_le_bytes(*chunk))
}

/// As [`read_16`], four bytes.
pub(super) fn read_32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|chunk| u32::from_le_bytes(*chunk))
}

/// As [`read_16`], eight bytes.
pub(super) fn read_64(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|chunk| u64::from_le_bytes(*chunk))
}

#[cfg(test)]
mod tests {
    use plugin_api::Timestamp;

    use super::dos_stamp;

    #[test]
    fn dos_times() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0x0021_0000),
            ("2026-01-02T03:04:05Z", 0x5c22_1882),
            ("2107-12-31T23:59:59Z", 0xff9f_bf7d),
            ("2200-01-01T00:00:00Z", 0xff9f_bf7d),
        ] {
            assert_eq!(dos_stamp(Timestamp::parse(text).unwrap()), expected, "{text}");
        }
    }
}
