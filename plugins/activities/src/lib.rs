//! Exports Zoho Desk's activities: tasks, calls and events with their comments.
