"""What every process does once Django has loaded: web, worker, trainer, reaper and each command."""

import gc

from django.apps import AppConfig

COLLECTED_AFTER = 10_000  # more new objects than freed ones; Python's own figure is 700


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        """Look for cycles of garbage less often, and never in what was loaded at the start: batches of rows make many
        objects and hardly a cycle, and a fifth of the time of an import went into the search."""
        gc.freeze()
        gc.set_threshold(COLLECTED_AFTER, 10, 10)
