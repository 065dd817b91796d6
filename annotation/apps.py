from importlib import import_module

from django.apps import AppConfig


class AnnotationConfig(AppConfig):
    name = "annotation"

    def ready(self) -> None:
        import_module("annotation.kinds").discover()
        import_module("annotation.tasks")  # registers the kinds of job that this app does
