//! The key of an installation: what links and the history's seal are signed with. Made at first start, readable by its
//! owner alone.
