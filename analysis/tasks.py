"""Celery and periodic entry points."""
