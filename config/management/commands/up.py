"""Start everything on this machine: database, demo, web, workers, reaper; Ctrl-C stops all of it."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from config import startup, supervisor


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--no-demo", action="store_true", help="Leave the demo project out.")
        parser.add_argument("--workers", type=int, default=1, help="Processes of the default queue.")

    def handle(self, *args: Any, port: int, no_demo: bool, workers: int, **options: Any) -> None:
        startup.check_home(settings.HOME)
        with startup.only_start(settings.HOME):
            startup.check_port(port)
            self.start(port=port, demo=not no_demo, workers=workers)

    def start(self, *, port: int, demo: bool, workers: int) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        startup.check_database()
        if demo:
            startup.ensure_demo(say=self.stdout.write)
        address = f"http://127.0.0.1:{port}"
        supervisor.run(
            port=port,
            workers=workers,
            say=self.stdout.write,
            ready=lambda: startup.greet(address, demo=demo, say=self.stdout.write),
        )
