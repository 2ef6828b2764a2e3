//! Reads a plugin's manifest out of its file, as bytes. No code of the file runs, so all that can be told from the
//! manifest is told before the library could do anything. What this does not find is a library whose other parts are
//! damaged: the system's loader trusts them.

use std::fs::File;

use object::read::ReadCache;
use object::{Object, ObjectSection, ObjectSegment, ObjectSymbol};
use plugin_api::abi::manifest::{GENERATION, MAGIC, MANIFEST_SYMBOL};

use super::opened::Opened;
use super::refusal::Reason;

/// What the manifest says, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inspected {
    /// The version of plugin-api it was built with.
    pub(crate) api_version: String,
    /// The plugin's own version.
    pub(crate) version: String,
    /// The name of its package.
    pub(crate) name: String,
}

/// Reads and checks the manifest of an open library.
pub(crate) fn inspect(opened: &Opened) -> Result<Inspected, Reason> {
    let cache = ReadCache::new(&opened.file);
    let library = object::File::parse(&cache).map_err(|error| Reason::NotALibrary(error.to_string()))?;
    if !matches!(library.kind(), object::ObjectKind::Dynamic) {
        return Err(Reason::NotALibrary("it is a program or an object file".into()));
    }
    check_whole(&library, opened.metadata.len())?;
    manifest(&bytes_of(&library)?)
}

/// [`inspect`] of the file at this path, for the fuzz target.
pub(crate) fn inspect_file(file: &std::path::Path) -> Result<Inspected, Reason> {
    inspect(&Opened::open(file)?)
}

/// A library that is cut off would end the process when the loader touches what is not there.
fn check_whole<'d>(library: &impl Object<'d>, length: u64) -> Result<(), Reason> {
    let ends = library.segments().map(|segment| {
        let (start, size) = segment.file_range();
        start.saturating_add(size)
    });
    match ends.max() {
        Some(end) if end > length => Err(Reason::Truncated { missing: end - length }),
        Some(_) => Ok(()),
        None => Err(Reason::NotALibrary("it has nothing to load".into())),
    }
}

/// The bytes from the manifest's symbol to the end of its section.
fn bytes_of<'d>(library: &object::File<'d, &'d ReadCache<&'d File>>) -> Result<Vec<u8>, Reason> {
    let name = if cfg!(target_vendor = "apple") {
        format!("_{MANIFEST_SYMBOL}")
    } else {
        MANIFEST_SYMBOL.to_owned()
    };
    let symbol = library
        .dynamic_symbols()
        .chain(library.symbols())
        .find(|symbol| symbol.is_definition() && symbol.name() == Ok(&name))
        .ok_or(Reason::NoManifest)?;
    let wrong = |what: &str| Reason::BadManifest(what.to_owned());
    let section = symbol.section_index().ok_or_else(|| wrong("its symbol lies nowhere"))?;
    let section = library
        .section_by_index(section)
        .map_err(|error| wrong(&error.to_string()))?;
    let end = section.address().saturating_add(section.size());
    let rest = end.saturating_sub(symbol.address()).min(LONGEST);
    let data = section
        .data_range(symbol.address(), rest)
        .map_err(|error| wrong(&error.to_string()))?;
    Ok(data.ok_or_else(|| wrong("its symbol lies outside the file"))?.to_vec())
}

/// More than this is not read, however long the section is.
const LONGEST: u64 = 4096;

/// Reads the fields of `PluginManifest` one by one: the bytes are the file's, and may be anything.
fn manifest(bytes: &[u8]) -> Result<Inspected, Reason> {
    let mut rest = bytes;
    let mut take = |length: usize| {
        let (field, behind) = rest
            .split_at_checked(length)
            .ok_or_else(|| Reason::BadManifest("it is cut off".into()))?;
        rest = behind;
        Ok::<_, Reason>(field)
    };
    if take(MAGIC.len())? != MAGIC {
        return Err(Reason::BadManifest("its first bytes are others".into()));
    }
    let mut number = || {
        let field = take(4)?;
        Ok::<_, Reason>(u32::from_ne_bytes([field[0], field[1], field[2], field[3]]))
    };
    let (generation, size, unwinds, _reserved) = (number()?, number()?, number()?, number()?);
    if generation != GENERATION {
        return Err(Reason::OtherGeneration(generation));
    }
    if size as usize > bytes.len() {
        return Err(Reason::BadManifest("it is cut off".into()));
    }
    let (api_version, version, name) = (text(take(32)?)?, text(take(32)?)?, text(take(64)?)?);
    match unwinds {
        1 => Ok(Inspected {
            api_version,
            version,
            name,
        }),
        0 => Err(Reason::Aborts),
        other => Err(Reason::BadManifest(format!("unwinds is {other}"))),
    }
}

/// A text that is filled up with zero bytes.
fn text(field: &[u8]) -> Result<String, Reason> {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    let text = std::str::from_utf8(&field[..end])
        .ok()
        .filter(|text| !text.chars().any(char::is_control));
    text.map(str::to_owned)
        .ok_or_else(|| Reason::BadManifest("a name or version in it is not text".into()))
}

#[cfg(test)]
mod tests {
    use plugin_api::abi::manifest::PluginManifest;

    use super::manifest;

    /// The bytes of a manifest, with some replaced.
    fn bytes(unwinds: bool, change: &[(usize, &[u8])]) -> Vec<u8> {
        let made = PluginManifest::new("1.2.3", "4.5.6", "tickets-日本", unwinds);
        let mut bytes = made.magic.to_vec();
        for number in [made.generation, made.size, made.unwinds, made.reserved] {
            bytes.extend(number.to_ne_bytes());
        }
        bytes.extend(made.api_version.iter().chain(&made.version).chain(&made.name));
        assert_eq!(bytes.len(), size_of::<PluginManifest>());
        for (at, new) in change {
            bytes[*at..*at + new.len()].copy_from_slice(new);
        }
        bytes
    }

    #[test]
    fn reads_what_a_plugin_wrote() {
        let read = manifest(&bytes(true, &[])).expect("a manifest");
        assert_eq!(
            (read.api_version.as_str(), read.version.as_str(), read.name.as_str()),
            ("1.2.3", "4.5.6", "tickets-日本")
        );
        // A later version may append fields.
        let mut longer = bytes(true, &[(20, &164_u32.to_ne_bytes())]);
        longer.extend([7; 4]);
        assert!(manifest(&longer).is_ok());
    }

    #[test]
    fn refuses_anything_else() {
        let check = |bytes: &[u8], expected: &str| {
            let said = manifest(bytes).expect_err("a refusal").to_string();
            assert!(said.contains(expected), "{said}");
        };
        check(&[], "cut off");
        check(&bytes(true, &[])[..100], "cut off");
        check(&bytes(true, &[(0, b"x")]), "first bytes");
        check(&bytes(true, &[(16, &2_u32.to_ne_bytes())]), "update deskvault");
        check(&bytes(true, &[(16, &0_u32.to_ne_bytes())]), "update the plugin");
        check(&bytes(false, &[]), "panic = \"unwind\"");
        check(&bytes(true, &[(24, &7_u32.to_ne_bytes())]), "unwinds is 7");
        check(&bytes(true, &[(20, &u32::MAX.to_ne_bytes())]), "cut off");
        check(&bytes(true, &[(96, &[0xff, 0xfe])]), "not text");
        check(&bytes(true, &[(96, b"two\nlines")]), "not text");
    }
}
