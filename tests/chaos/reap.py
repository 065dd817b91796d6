"""The reaper with the crash test's kind of job known to it."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.core.management import call_command  # noqa: E402

import tests.chaos.kinds  # noqa: E402, F401

call_command("reap")
