from importlib import import_module

from django.apps import AppConfig


class RetrainingConfig(AppConfig):
    name = "retraining"

    def ready(self) -> None:
        import_module("retraining.tasks")  # registers the kinds of job that this app does
