"""Replay a labelled file through the real loop in a throw-away database: what would it have cost and brought?"""

import signal
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from analysis.offline import output
from inputs.files.dialect_arguments import add_dialect_arguments
from retraining.backtest.options import METRICS, REPLAYED, BacktestOptions, parse_options
from retraining.backtest.supervision import BacktestDied, replay
from retraining.backtest.words import to_text
from validation import InvalidInput

FIELDS = BacktestOptions.__struct_fields__
STOPPED = 130


class Command(BaseCommand):
    help = __doc__
    requires_system_checks: list[str] = []  # it touches no database of this installation, and may run where none is

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE")
        parser.add_argument("--label", required=True, metavar="COLUMN")
        parser.add_argument("--time", metavar="COLUMN", help="Replay in this order, and report what triggers did.")
        inputs = parser.add_mutually_exclusive_group()
        inputs.add_argument("--text", metavar="COLUMN")
        inputs.add_argument("--inputs", metavar="A,B", help="Without any of these, what columns look like.")
        inputs.add_argument("--image", metavar="COLUMN", help="Paths from the folder of FILE, or base64.")
        parser.add_argument("--key", metavar="COLUMN")
        parser.add_argument("--strategy", metavar="NAME", help=f"{', '.join(REPLAYED)} (auto)")
        parser.add_argument("--batch", type=int, help="Labels of one round (20).")
        parser.add_argument("--budget", type=int, help="Labels in all (400).")
        parser.add_argument("--seeds", type=int, help="Repetitions, which vary what is asked alone (5).")
        part = parser.add_mutually_exclusive_group()
        part.add_argument("--test-share", type=float, metavar="SHARE", help="Of the rows, kept to measure (0.3).")
        part.add_argument("--test", metavar="COLUMN=VALUE", help="The rows that measure.")
        parser.add_argument("--metric", metavar="NAME", help=f"{' or '.join(METRICS)} (accuracy)")
        parser.add_argument("--annotator-accuracy", type=float, metavar="SHARE", help="Of right answers (1).")
        parser.add_argument("--overlap", type=int, help="People who label each item (1).")
        parser.add_argument("--json", metavar="OUT", help="Write one JSON object there; - is standard output.")
        add_dialect_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        out = options["json"]
        try:
            if out and out != "-":
                output.checked_target(out, [options["file"]])
            asked = parse_options({name: options[name] for name in FIELDS if options.get(name) is not None})
            with _ended_as_by_a_key():
                answer = replay(asked, progress=self._show)
            self._write(answer, out)
        except KeyboardInterrupt:
            raise CommandError("Stopped; nothing was kept.", returncode=STOPPED) from None
        except InvalidInput as why:
            raise CommandError(" ".join(str(why).split())) from None
        except BacktestDied as why:
            raise CommandError(str(why)) from None

    def _show(self, share: float, words: str) -> None:
        self.stderr.write(f"{share:4.0%}  {words}")

    def _write(self, answer: dict[str, Any], out: str | None) -> None:
        if out == "-":
            self.stdout.write(output.encoded(answer))
            return
        if out:
            output.write(answer, out)
        self.stdout.write(to_text(answer))


@contextmanager
def _ended_as_by_a_key() -> Iterator[None]:
    """Take SIGTERM as Ctrl-C: what was begun is removed."""
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
