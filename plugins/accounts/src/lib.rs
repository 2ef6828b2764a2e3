//! Exports Zoho Desk's accounts.
