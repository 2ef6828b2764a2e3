//! Exports Zoho Desk's teams and their members.
