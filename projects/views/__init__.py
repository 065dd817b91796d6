"""Pages of the installation and of a project's people, keys and audit trail."""
