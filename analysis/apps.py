from importlib import import_module

from django.apps import AppConfig


class AnalysisConfig(AppConfig):
    name = "analysis"

    def ready(self) -> None:
        import_module("analysis.reports.registry").discover()
        import_module("analysis.tasks")  # registers the kinds of job that this app does
