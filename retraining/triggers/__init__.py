"""Retraining triggers: whether a run begins by itself, with the reason in words. One module per rule in `rules`."""

from retraining.triggers import rules  # noqa: F401  (registers them)
