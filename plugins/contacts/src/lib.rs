//! Exports Zoho Desk's contacts.
