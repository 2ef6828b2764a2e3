//! Exports Zoho Desk's departments.
