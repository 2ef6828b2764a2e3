//! Panics when it is asked to describe itself.

mod common;

common::bad_plugin!("panics-in-describe", describe: || panic!("no words for\nit"), export: |_, _| Ok(()));
