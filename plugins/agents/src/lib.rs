//! Exports Zoho Desk's agents.
