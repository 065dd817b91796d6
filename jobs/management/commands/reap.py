"""Run the reaper until interrupted; one is enough, several are safe."""

import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from jobs import reaper


class Command(BaseCommand):
    help = "Bring back work whose worker or message died, and take the turns of periodic work."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        reaper.loop(stopped=stop.is_set, seconds=settings.REAPER_SECONDS)
