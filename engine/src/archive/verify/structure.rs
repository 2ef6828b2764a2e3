//! The ZIP round the entries: finding the manifest, and comparing every byte that is not data with what the
//! manifest says it must be.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;

use flate2::read::DeflateDecoder;

use super::Problem;
use crate::archive::manifest::{self, Manifest};
use crate::archive::name;
use crate::archive::zip_format::{
    CENTRAL_HEADER, END, END_64, END_64_LENGTH, END_LENGTH, LOCAL_HEADER, LOCATOR_64, Layout, read_16, read_32, read_64,
};

/// A directory is held in memory; as many files as an archive can have need less.
const MAX_DIRECTORY: u64 = 64 << 20;
/// The method of an entry that is packed.
const DEFLATED: u16 = 8;

/// Why there is nothing to report about.
pub(in crate::archive) enum Error {
    /// The disk.
    Disk(io::Error),
    /// The file: it is no archive, or too damaged to tell.
    Wrong(String),
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

fn wrong<T>(reason: impl Into<String>) -> Result<T, Error> {
    Err(Error::Wrong(reason.into()))
}

/// An entry as the central directory has it.
pub(in crate::archive) struct Listed {
    pub(super) name: String,
    pub(super) offset: u64,
    packed: u64,
    plain: u64,
}

/// What was found in the file, before it is held against the manifest.
pub(in crate::archive) struct Found {
    pub(in crate::archive) listing: Vec<Listed>,
    pub(in crate::archive) manifest: Manifest,
    /// The manifest as it lies in the archive.
    pub(super) text: Vec<u8>,
    /// Whether the manifest is packed: no deskvault does that.
    pub(super) repacked: bool,
    /// The central directory and all that follows it.
    tail: Vec<u8>,
    /// Where the tail starts.
    directory: u64,
    length: u64,
}

/// Finds the entries and the manifest.
pub(in crate::archive) fn locate(file: &File, length: u64) -> Result<Found, Error> {
    if length < END_LENGTH {
        return wrong(format!("it has only {length} bytes"));
    }
    let mut end = vec![0; (END_LENGTH + END_64_LENGTH).min(length) as usize];
    let start = length - end.len() as u64;
    file.read_exact_at(&mut end, start)?;
    let at = end.len() - END_LENGTH as usize;
    if read_32(&end, at) != Some(END) {
        return wrong(
            "it does not end with a ZIP's end record: it is truncated, has something behind it, or is no ZIP",
        );
    }
    let short = |offset: usize| u64::from(read_16(&end, at + offset).unwrap_or_default());
    let long = |offset: usize| u64::from(read_32(&end, at + offset).unwrap_or_default());
    let (mut size, mut directory) = (long(12), long(16));
    let is_64 =
        [short(8), short(10)].contains(&u64::from(u16::MAX)) || [size, directory].contains(&u64::from(u32::MAX));
    if is_64 {
        if at as u64 != END_64_LENGTH || read_32(&end, 0) != Some(END_64) || read_32(&end, 56) != Some(LOCATOR_64) {
            return wrong("its ZIP64 end record is missing or damaged");
        }
        size = read_64(&end, 40).unwrap_or_default();
        directory = read_64(&end, 48).unwrap_or_default();
    }
    let inside = directory
        .checked_add(size)
        .is_some_and(|end| end <= length - END_LENGTH);
    if !inside || length - directory > MAX_DIRECTORY {
        return wrong("its end record is damaged: the central directory cannot be where it says");
    }
    let mut tail = vec![0; (length - directory) as usize];
    file.read_exact_at(&mut tail, directory)?;
    let listing = list(&tail[..size as usize])?;
    let Some(entry) = listing.iter().rfind(|listed| listed.name == name::MANIFEST) else {
        return wrong(format!("it has no {}, among {} entries", name::MANIFEST, listing.len()));
    };
    let (text, repacked) = read_manifest(file, entry, length)?;
    let manifest = Manifest::parse(&text).map_err(|reason| Error::Wrong(format!("{}: {reason}", name::MANIFEST)))?;
    Ok(Found {
        listing,
        manifest,
        text,
        repacked,
        tail,
        directory,
        length,
    })
}

/// The entries of a central directory.
fn list(directory: &[u8]) -> Result<Vec<Listed>, Error> {
    let mut listing = Vec::new();
    let mut rest = directory;
    while !rest.is_empty() {
        let Some((listed, length)) = listed(rest) else {
            return wrong(format!(
                "its central directory is damaged at entry {}",
                listing.len() + 1
            ));
        };
        listing.push(listed);
        rest = &rest[length..];
    }
    Ok(listing)
}

/// The first entry of a directory, and the length of its record.
fn listed(record: &[u8]) -> Option<(Listed, usize)> {
    if read_32(record, 0)? != CENTRAL_HEADER {
        return None;
    }
    let length = |at| read_16(record, at).map(usize::from);
    let (name, extra, comment) = (length(28)?, length(30)?, length(32)?);
    let mut fields = record.get(46 + name..46 + name + extra)?;
    let mut values: &[u8] = &[];
    while let (Some(id), Some(size)) = (read_16(fields, 0), read_16(fields, 2)) {
        let field = fields.get(4..4 + usize::from(size))?;
        if id == 1 {
            values = field;
        }
        fields = &fields[4 + field.len()..];
    }
    // Values that the plain fields cannot hold follow in the extra field, in this order.
    let mut value = |at| {
        let plain = read_32(record, at)?;
        if plain != u32::MAX {
            return Some(u64::from(plain));
        }
        let big = read_64(values, 0)?;
        values = &values[8..];
        Some(big)
    };
    let plain = value(24)?;
    let packed = value(20)?;
    let offset = value(42)?;
    let total = 46 + name + extra + comment;
    record.get(..total)?;
    let name = String::from_utf8_lossy(&record[46..46 + name]).into_owned();
    let listed = Listed {
        name,
        offset,
        packed,
        plain,
    };
    Some((listed, total))
}

/// The manifest, and whether it had to be unpacked.
fn read_manifest(file: &File, entry: &Listed, length: u64) -> Result<(Vec<u8>, bool), Error> {
    let damaged = || Error::Wrong(format!("the entry {} is damaged", name::MANIFEST));
    let mut header = [0; 30];
    if entry.offset.checked_add(30).is_none_or(|end| end > length) {
        return Err(damaged());
    }
    file.read_exact_at(&mut header, entry.offset)?;
    if read_32(&header, 0) != Some(LOCAL_HEADER) {
        return Err(damaged());
    }
    let skip = |at| u64::from(read_16(&header, at).unwrap_or_default());
    let start = entry.offset + 30 + skip(26) + skip(28);
    let repacked = read_16(&header, 8) == Some(DEFLATED);
    let size = if repacked { entry.packed } else { entry.plain };
    let fits = start.checked_add(size).is_some_and(|end| end <= length);
    if !fits || size.max(entry.plain) > manifest::MAX_LENGTH {
        return Err(damaged());
    }
    let mut data = vec![0; size as usize];
    file.read_exact_at(&mut data, start)?;
    if !repacked {
        return Ok((data, false));
    }
    let mut text = Vec::new();
    let unpacked = DeflateDecoder::new(&data[..])
        .take(manifest::MAX_LENGTH)
        .read_to_end(&mut text);
    if unpacked.is_err() || text.len() as u64 != entry.plain {
        return Err(damaged());
    }
    Ok((text, true))
}

/// Compares all that is not data with what the manifest says it must be. A line for each difference.
pub(super) fn compare(file: &File, found: &Found, layout: &Layout) -> io::Result<Vec<Problem>> {
    let mut problems = compare_names(found, layout);
    if found.repacked {
        let repacked = "it was repacked by another program and therefore is not the archive that was made";
        problems.insert(0, Problem::at_large(repacked));
    }
    if !problems.is_empty() {
        // All offsets behind a missing or additional entry differ: to name those too would hide it.
        return Ok(problems);
    }
    for entry in &layout.entries {
        let expected = layout.local_header(entry);
        let mut header = vec![0; expected.len()];
        if entry.offset + expected.len() as u64 > found.length {
            problems.push(Problem::of(&entry.name, "the archive ends before it"));
            continue;
        }
        file.read_exact_at(&mut header, entry.offset)?;
        if let Some(field) = difference(&header, &expected, LOCAL_FIELDS) {
            problems.push(Problem::of(
                &entry.name,
                format!("its local header differs from the manifest in its {field}"),
            ));
        }
    }
    let mut rest = &found.tail[..];
    let mut directory = 0;
    for entry in &layout.entries {
        let expected = layout.central_header(entry);
        let (header, behind) = rest.split_at(expected.len().min(rest.len()));
        if let Some(field) = difference(header, &expected, CENTRAL_FIELDS) {
            problems.push(Problem::of(
                &entry.name,
                format!("its record in the central directory differs from the manifest in its {field}"),
            ));
        }
        directory += expected.len() as u64;
        rest = behind;
    }
    if rest != layout.end(directory) {
        problems.push(Problem::at_large(
            "the end record differs from what the manifest says, or there is something before it",
        ));
    }
    if found.directory != layout.directory {
        problems.push(Problem::at_large(format!(
            "the central directory starts at byte {}, but by the manifest it must at {}",
            found.directory, layout.directory
        )));
    }
    Ok(problems)
}

fn compare_names(found: &Found, layout: &Layout) -> Vec<Problem> {
    let expected: HashSet<&str> = layout.entries.iter().map(|entry| entry.name.as_str()).collect();
    let mut seen = HashSet::new();
    let mut problems = Vec::new();
    for listed in &found.listing {
        if !expected.contains(listed.name.as_str()) {
            problems.push(Problem::of(
                &listed.name.escape_debug().to_string(),
                "the manifest knows no such file",
            ));
        } else if !seen.insert(listed.name.as_str()) {
            problems.push(Problem::of(&listed.name, "it is there twice"));
        }
    }
    for entry in &layout.entries {
        if !seen.contains(entry.name.as_str()) {
            problems.push(Problem::of(&entry.name, "it is missing"));
        }
    }
    let order = found
        .listing
        .iter()
        .zip(&layout.entries)
        .find(|(listed, entry)| listed.name != entry.name);
    if let (true, Some((listed, entry))) = (problems.is_empty(), order) {
        problems.push(Problem::of(&listed.name, format!("it is where {} must be", entry.name)));
    }
    problems
}

/// Where the fields of a local header start.
const LOCAL_FIELDS: &[(usize, &str)] = &[
    (0, "signature"),
    (4, "version"),
    (6, "flags"),
    (8, "method"),
    (10, "time"),
    (14, "CRC-32"),
    (18, "packed length"),
    (22, "length"),
    (26, "name's length"),
    (28, "extra field's length"),
    (30, "name or extra field"),
];

/// Where the fields of a record of the central directory start.
const CENTRAL_FIELDS: &[(usize, &str)] = &[
    (0, "signature"),
    (4, "version"),
    (8, "flags"),
    (10, "method"),
    (12, "time"),
    (16, "CRC-32"),
    (20, "packed length"),
    (24, "length"),
    (28, "name's length"),
    (30, "extra field's length"),
    (32, "comment's length"),
    (34, "disk"),
    (36, "attributes"),
    (42, "offset"),
    (46, "name or extra field"),
];

/// The field in which the first difference lies.
fn difference(found: &[u8], expected: &[u8], fields: &[(usize, &'static str)]) -> Option<&'static str> {
    if found == expected {
        return None;
    }
    let at = found.iter().zip(expected).take_while(|(a, b)| a == b).count();
    fields.iter().rfind(|(start, _)| *start <= at).map(|(_, name)| *name)
}
