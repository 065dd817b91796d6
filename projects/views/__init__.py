"""Pages of the installation and of a project's people, keys and audit trail."""

from projects.views.auth import locked_out

__all__ = ["locked_out"]
