"""SQLite with writers that wait in turn; see base."""
