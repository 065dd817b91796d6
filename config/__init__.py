"""The wiring: settings, site map, Celery, the command that starts everything. Nothing here knows the domain."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
