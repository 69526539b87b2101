//! The store: automations, credentials, links and runs in SQLite
