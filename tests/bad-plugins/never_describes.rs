//! Never comes back from describing itself.

mod common;

common::bad_plugin!("never-describes", describe: || loop { std::thread::park() }, export: |_, _| Ok(()));
