"""Backups of a whole installation: made while it runs, restored into an empty home, verified file by file."""
