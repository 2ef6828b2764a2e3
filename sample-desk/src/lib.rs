//! A Zoho Desk to try deskvault on: it serves the read surface of the API on loopback, from data that is computed from
//! a seed and never held.
//!
//! [`Settings`] are its knobs, [`SampleDesk`] is a running desk. `world` is what the desk holds,
//! `server` is how it is asked.

pub mod server;
pub mod settings;
pub mod world;

pub use server::SampleDesk;
pub use settings::Settings;
