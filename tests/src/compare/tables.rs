//! What each table must look like, and where its rows come from: the sheets of the archive's format and of the API,
//! written down once more.

mod children;
mod flat;
mod tickets;

use super::truth::{Line, Record};

/// A table of the archive.
pub(super) struct Table {
    /// Its name.
    pub(super) name: &'static str,
    /// Labels of the format's columns, separated by commas; empty where the format does not know the table.
    pub(super) labels: &'static str,
    /// API names of the same columns.
    pub(super) names: &'static str,
    /// What identifies a row.
    pub(super) key: Key,
    /// In which projections the API shows a record, of which a row is made; of keys in more than one, the last counts.
    pub(super) shapes: Shapes,
    /// Columns that have their value from elsewhere than the key of their name.
    pub(super) from: &'static [(&'static str, From)],
    /// The API's fields that have a column of their own behind the format's and the custom ones.
    pub(super) further: &'static str,
}

/// What identifies a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// A column of its id.
    Id(&'static str),
    /// A column of its parent's id, and one of its own.
    Pair(&'static str, &'static str),
}

/// Projections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shapes {
    /// A row of a list, and nothing else.
    List,
    /// A row of a search; without searches that of a list, and the record's own page.
    Search,
    /// A row of a search, or of a list, and the record's own page.
    SearchAndDetail,
    /// As [`Shapes::SearchAndDetail`], but archived ones are found by a list.
    Ticket,
    /// A row of a ticket's conversations, but for `type`; a list has the same.
    Conversation,
    /// A row of a ticket's conversations, but for `type`, and the record's own page; its content in full where that cuts it.
    ConversationAndDetail,
    /// As it stands within a thread or comment; in the list of a ticket if it is the ticket's own, or if that has all.
    Attachment,
    /// A row of a list with all that it can include.
    Included,
    /// The record's own page, and nothing else.
    Detail,
    /// Nothing: all columns are made.
    None,
}

/// Where a column has its value from.
#[derive(Clone, Copy)]
pub(super) enum From {
    /// A place in the record, as a JSON pointer.
    At(&'static str),
    /// The id of the record.
    Id,
    /// The id of the parent.
    Parent,
    /// Facts that stand elsewhere in the record: they have their own columns too.
    Made(fn(&Record) -> String),
    /// A fact of the record of this table to which it belongs, in each of its versions.
    OfParent(&'static str, fn(&Line, &Line) -> Vec<String>),
}

/// Fields whose values are times, in whatever table.
pub(super) const TIMES: &[&str] = &[
    "createdTime",
    "modifiedTime",
    "closedTime",
    "onholdTime",
    "customerResponseTime",
    "lockedTime",
    "dueDate",
    "responseDueDate",
    "commentedTime",
    "executedTime",
    "startTime",
    "completedTime",
    "expiryDate",
    "reviewedTime",
];

/// Every table.
pub(super) fn all() -> impl Iterator<Item = &'static Table> {
    [tickets::TABLES, children::TABLES, flat::TABLES].into_iter().flatten()
}

/// A list that is written with commas.
pub(super) fn split(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{all, split};

    #[test]
    fn labels_and_names_are_pairs() {
        let mut columns = 0;
        for table in all() {
            let (labels, names) = (split(table.labels).count(), split(table.names).count());
            assert_eq!(labels, names, "{}", table.name);
            columns += names;
        }
        // Of the eight tables whose columns are known, and of comments on activities, which are like those on tickets.
        assert_eq!(columns, 7 + 11 + 21 + 33 + 46 + 20 + 8 + 17 + 8);
        assert!(all().count() >= 15);
    }
}
