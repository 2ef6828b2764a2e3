//! A Zoho Desk to try deskvault on: it serves the read surface of the API on loopback, from data that is computed from
//! a seed and never held.
//!
//! [`Settings`] are its knobs, [`Life`] is the time that it has and what is yet to come, [`SampleDesk`] is a running desk. `world` is what the desk holds,
//! `server` is how it is asked. What it does not serve is 404; a parameter that the live desk knows and this one does not
//! is refused in words, never taken and ignored.

pub mod life;
pub mod server;
pub mod settings;
pub mod world;

pub use life::{Deed, Done, Life};
pub use server::SampleDesk;
pub use settings::Settings;
