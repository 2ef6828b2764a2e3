//! Exporter plugins: found, checked, loaded, and called.
//!
//! Start with [`Registry::load`]: it looks through folders and gives the plugins that can be used and, for each file
//! that can't, one line that says why and what to do. [`Plugin::export`] runs one export; the `host` module is what
//! the plugin sees of the engine meanwhile.
//!
//! Loading goes from the harmless to the binding: the file's structure and the manifest are read as bytes
//! (`inspect`), and whether it is to be trusted is asked ([`Trust`]), before any code of it runs; then the library is loaded and stays loaded; then the layouts of all
//! crossing types are compared; only then it is called.
//!
//! Architecture invariant: besides `plugin-api`, `unsafe` exists only in `library`.

mod events;
mod host;
mod inspect;
#[allow(unsafe_code, reason = "loads libraries and calls what they export")]
mod library;
mod opened;
mod plugin;
mod refusal;
mod registry;
mod trust;

pub use crate::connection::Answer;
pub use host::{ModuleHost, Services};
pub(crate) use inspect::inspect_file;
pub use plugin::Plugin;
pub use refusal::{Reason, Refusal};
pub(crate) use refusal::{describe, one_line};
pub(crate) use registry::folders_of;
pub use registry::{Registry, installed};
pub use trust::{Pin, Standing, Trust, pin};
