//! Exports Zoho Desk's articles of the knowledge base with bodies and translations.
