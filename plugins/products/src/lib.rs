//! Exports Zoho Desk's products.
