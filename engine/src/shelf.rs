//! Finished archives at rest: reading them out, removing them, how much room there is, and what crashed runs left behind.
