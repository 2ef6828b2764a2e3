//! Panics with a payload whose own `Drop` panics.

mod common;

struct Payload(u32);

impl Drop for Payload {
    fn drop(&mut self) {
        // Panics once more, with another payload of its kind, so that a host that drops one drops the next.
        if self.0 > 0 {
            std::panic::panic_any(Payload(self.0 - 1));
        }
    }
}

common::bad_plugin!(
    "panics-with-panicking-payload",
    describe: || common::description("panics-with-panicking-payload"),
    export: |_, _| std::panic::panic_any(Payload(3))
);
