"""Import and export: rows of other tools' files and the project's own, read and written by one module a format."""
