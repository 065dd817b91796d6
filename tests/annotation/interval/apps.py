"""Registers the kind when Django starts, as a package in annotation.kinds is."""

from django.apps import AppConfig


class IntervalConfig(AppConfig):
    name = "tests.annotation.interval"
    label = "interval"

    def ready(self) -> None:
        from annotation import kinds
        from tests.annotation.json_kind import Interval

        kinds.register(Interval())
