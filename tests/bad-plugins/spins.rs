//! Keeps a processor busy, and does nothing.

mod common;

common::bad_plugin!("spins", describe: || common::description("spins"), export: |_, out| {
    out.table("Things")?;
    loop {
        std::hint::spin_loop();
    }
});
