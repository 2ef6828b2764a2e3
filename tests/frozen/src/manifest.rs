// The manifest of plugin-api 1.0.0, as it was released. It is never edited.

pub const MANIFEST_SYMBOL: &str = "DESKVAULT_PLUGIN_MANIFEST";

pub const MAGIC: [u8; 16] = *b"deskvault-plugin";

pub const GENERATION: u32 = 1;

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PluginManifest {
    pub magic: [u8; 16],
    pub generation: u32,
    pub size: u32,
    pub unwinds: u32,
    pub reserved: u32,
    pub api_version: [u8; 32],
    pub version: [u8; 32],
    pub name: [u8; 64],
}

impl PluginManifest {
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
