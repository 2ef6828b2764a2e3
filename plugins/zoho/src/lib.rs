//! What the nine exporters of Zoho Desk share.
