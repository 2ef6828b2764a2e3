//! Signed links to archives. Pure but for the key, which is given.
