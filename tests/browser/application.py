"""The WSGI application of the browser tests: the product's own, with the task kind of a test installed."""

import os
from typing import Any

import django


def set_up() -> None:
    """Start Django as the product does, and one app more."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.conf import settings

    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "tests.annotation.interval"]
    django.setup()


def make_application() -> Any:
    """What gunicorn serves."""
    set_up()
    from config.wsgi import application

    return application
