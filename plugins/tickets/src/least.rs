//! The least number of requests for a ticket, by the rules of the API.
//!
//! | what | requests |
//! |---|---|
//! | custom fields of tickets and time entries | 2 |
//! | agents: active, disabled, deleted ones | as their lists take |
//! | time entries of each agent | `list(n, 100)`; of a custom range twice, of those made and of those changed in it |
//! | tickets | the search: `list_with_count(n, 100)` |
//! | departments, where archived tickets are asked for | `list(n, 200)`, of enabled and of disabled ones |
//! | archived tickets of each department | `list(n, 100)` |
//! | an archived ticket that may have been changed in a custom range | 1, its detail: no list says when |
//! | each ticket | 1, its detail: no list has the counts of attachments and time entries |
//! | a ticket without threads and comments | 0 |
//! | with one thread and no comment | 1, its latest thread; where the desk does not count drafts, as with more |
//! | with more | `list_with_count(threads + comments, 200)`, and 1 for each thread |
//! | a body that was cut short | 1 |
//! | attachments of a ticket that has some | `list_with_count(n, 100)` |
//! | time entries of a ticket that no agent gave | `list_with_count(n, 100)`, where there are some |

use crate::ask::{CONVERSATIONS, PAGE};
use crate::run::Drafts;
use crate::ticket::Counts;

/// Requests for the custom fields.
pub(crate) const FIELDS: u64 = 2;

/// Requests for a ticket, of whose time entries `known` are known; those for bodies that were cut short come on top.
/// What the ticket does not say of itself has to be asked for.
pub(crate) fn ticket(counts: &Counts, threads: u64, comments: u64, known: u64, drafts: Drafts) -> u64 {
    let told = (counts.threads, counts.comments);
    let conversations = match (threads, comments) {
        (0, 0) if drafts != Drafts::NotCounted && told == (Some(0), Some(0)) => 0,
        (1, 0) if drafts != Drafts::NotCounted && told == (Some(1), Some(0)) => 1,
        _ => zoho::list_with_count(threads.saturating_add(comments), CONVERSATIONS).saturating_add(threads),
    };
    let attachments = pages(counts.attachments);
    let entries = match counts.entries {
        Some(entries) if entries <= known => 0,
        entries => pages(entries),
    };
    [conversations, attachments, entries]
        .into_iter()
        .fold(1, u64::saturating_add)
}

/// Pages of a list with so many records: none where there are none.
pub(crate) fn pages(count: Option<u64>) -> u64 {
    match count {
        Some(0) => 0,
        count => zoho::list_with_count(count.unwrap_or(0), PAGE),
    }
}

#[cfg(test)]
mod tests {
    use super::ticket;
    use crate::run::Drafts;
    use crate::ticket::Counts;

    #[test]
    fn tickets_take_what_the_rules_ask() {
        let counts = |threads, comments, attachments, entries| Counts {
            threads: Some(threads),
            comments: Some(comments),
            attachments: Some(attachments),
            entries: Some(entries),
        };
        for (counts, known, drafts, expected) in [
            (counts(0, 0, 0, 0), 0, Drafts::Unknown, 1),
            (counts(1, 0, 0, 0), 0, Drafts::Counted, 2),
            (counts(1, 0, 0, 0), 0, Drafts::NotCounted, 3),
            (counts(4, 1, 0, 0), 0, Drafts::Unknown, 6),
            (counts(0, 250, 0, 0), 0, Drafts::Unknown, 3),
            (counts(0, 0, 101, 0), 0, Drafts::Unknown, 3),
            (counts(0, 0, 0, 3), 3, Drafts::Unknown, 1),
            (counts(0, 0, 0, 3), 2, Drafts::Unknown, 2),
        ] {
            let (threads, comments) = (counts.threads.unwrap_or(0), counts.comments.unwrap_or(0));
            assert_eq!(
                ticket(&counts, threads, comments, known, drafts),
                expected,
                "{counts:?}"
            );
        }
    }
}
