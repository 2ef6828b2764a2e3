//! The first thing a host reads of a plugin, from the file and before any of its code runs: a static of plain
//! bytes, without pointers. Nothing here depends on another crate or file.

/// The symbol of the manifest in the library.
pub const MANIFEST_SYMBOL: &str = "DESKVAULT_PLUGIN_MANIFEST";

/// The first bytes of every manifest.
pub const MAGIC: [u8; 16] = *b"deskvault-plugin";

/// The generation of the ABI that this crate speaks.
pub const GENERATION: u32 = 1;

/// Who a plugin says it is.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PluginManifest {
    /// [`MAGIC`].
    pub magic: [u8; 16],
    /// The generation of the ABI it was built for: [`GENERATION`].
    pub generation: u32,
    /// The size of this struct in bytes: later versions may append fields.
    pub size: u32,
    /// 1 if a panic unwinds in it, 0 if it aborts the process (`panic = "abort"`).
    pub unwinds: u32,
    /// Zero.
    pub reserved: u32,
    /// The version of the plugin API that it was built with; text, filled up with zero bytes.
    pub api_version: [u8; 32],
    /// The version of the plugin itself.
    pub version: [u8; 32],
    /// The name of the plugin's package.
    pub name: [u8; 64],
}

impl PluginManifest {
    /// The manifest of a plugin that is being compiled: all of it is known then.
    pub const fn new(api_version: &str, version: &str, name: &str, unwinds: bool) -> Self {
        Self {
            magic: MAGIC,
            generation: GENERATION,
            size: size_of::<Self>() as u32,
            unwinds: unwinds as u32,
            reserved: 0,
            api_version: text(api_version),
            version: text(version),
            name: text(name),
        }
    }
}

/// `value` with zero bytes behind it; what does not fit is cut off at a character.
const fn text<const N: usize>(value: &str) -> [u8; N] {
    let mut bytes = [0; N];
    let source = value.as_bytes();
    let mut length = if source.len() < N { source.len() } else { N - 1 };
    while !value.is_char_boundary(length) {
        length -= 1;
    }
    let mut at = 0;
    while at < length {
        bytes[at] = source[at];
        at += 1;
    }
    bytes
}
