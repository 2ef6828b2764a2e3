//! What the exporters of Zoho Desk share: how its answers, its lists and its searches are read.
//!
//! It knows only `plugin-api`; nothing here is about one module alone. An exporter says at its start
//! `desk.judge_by(zoho::judge)`, makes its tables of [`table`] and [`custom_fields`], and reads its records with
//! [`Records`], or with [`list_pages`] where the desk has no search for them. Facts of the API that are not in its public
//! specification, and which reading of them was chosen, stand where they are used.

mod again;
mod agents;
mod answer;
mod columns;
mod fields;
mod gone;
mod least;
mod list;
mod merge;
mod module;
mod path;
mod records;
mod resume;
mod strikes;
pub mod testing;
mod time;

pub use again::{Again, Source, again, search_for, searched, stays_unread, wanted_ids};
pub use agents::{AgentCounts, AgentStatus, Agents, AgentsCursor, AgentsPage};
pub use answer::{error_code, is_missing_scope, is_of_one_record, is_refused, judge};
pub use columns::{column, label, table};
pub use fields::{custom_fields, remark_unread_fields};
pub use gone::{Acquaintance, is_gone};
pub use least::{AGENTS_LIMIT, Least, SEARCH_LIMIT, list, list_with_count};
pub use list::{list_from, list_pages};
pub use merge::{union, without};
pub use module::export_module;
pub use path::segment;
pub use records::{Cursor, Facts, Module, Page, Records, id, is_id};
pub use resume::{cursor, remembered_ids};
pub use strikes::{Strikes, may_be_of_one_record};
pub use time::range;

/// The last column of each table: a JSON object of what no other column took.
pub const REST: &str = "Other Fields";
