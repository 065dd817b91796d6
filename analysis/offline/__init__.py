"""The metrics on any file, without a project: tables in, one JSON object out. No Django, no database."""
