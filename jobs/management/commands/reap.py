"""Run the reaper until interrupted; one is enough, several are safe."""

import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from jobs import reaper


class Command(BaseCommand):
    help = "Bring back work whose worker or message died, and take the turns of periodic work."

    def handle(self, *args: Any, **options: Any) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.stop)
        reaper.loop(stopped=lambda: self.stopped, seconds=settings.REAPER_SECONDS)

    stopped = False

    def stop(self, *_: Any) -> None:
        """A plain flag: a handler may interrupt itself, which the lock of an Event would not survive."""
        self.stopped = True
