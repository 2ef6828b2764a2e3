//! Exports Zoho Desk's tickets: with threads, comments, time entries and attachment links.
