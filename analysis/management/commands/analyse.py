"""The metrics on a file, without a project and without a database: labels, votes, drift, slices, performance."""

import warnings
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from analysis.metrics.votes.consensus import METHODS
from analysis.offline import drift, labels, output, performance, slices, votes
from analysis.offline.output import JsonObject
from inputs.encoders import choice
from inputs.encoders.base import TextEncoder
from inputs.files.delimited import Dialect
from inputs.files.dialect_arguments import add_dialect_arguments
from inputs.files.readers import read_table
from inputs.files.table import BadFile, Table
from validation import InvalidInput

CommandResult = tuple[JsonObject, Callable[[JsonObject], str]]


class Command(BaseCommand):
    help = __doc__
    requires_system_checks: list[str] = []  # it touches no database, and may run where none is set up

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_subparsers(dest="what", required=True, metavar="labels|votes|drift|slices|performance")
        for add in (_labels, _votes, _drift, _slices, _performance):
            one = add(what)
            one.add_argument("--seed", type=int, default=0)
            one.add_argument("--json", metavar="OUT", help="Write one JSON object there; - is standard output.")
            add_dialect_arguments(one)

    def handle(self, *args: Any, **options: Any) -> None:
        given = Namespace(**options)
        # What libraries mutter about odd columns is no part of the answer, which says itself what is undefined.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._run(given)

    def _run(self, given: Namespace) -> None:
        try:
            if given.json and given.json != "-":
                output.checked_target(
                    given.json, [getattr(given, name) for name in FILES if getattr(given, name, None)]
                )
            answer, words = given.run(given)
            self._write_answer(answer, words, given.json)
        except InvalidInput as why:
            raise CommandError(" ".join(str(why).split())) from None

    def _write_answer(self, answer: JsonObject, words: Callable[[JsonObject], str], out: str | None) -> None:
        if out is None:
            self.stdout.write(words(answer))
        elif out == "-":
            self.stdout.write(output.encoded(answer))
        else:
            output.write(answer, out)


FILES = ("file", "votes", "truth", "items", "reference", "current", "probabilities")


def _table(path: str, given: Namespace) -> Table:
    return read_table(path, Dialect(given.separator, given.decimal, given.encoding))


def _encoder() -> TextEncoder:
    """The text encoder in use."""
    return choice.choose(settings.TEXT_ENCODER).encoder


def _labels(what: Any) -> ArgumentParser:
    parser: ArgumentParser = what.add_parser("labels", help="Which labels are probably wrong?")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--label", required=True, metavar="COL")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--text", metavar="COL")
    source.add_argument("--image", metavar="COL", help="Paths of image files, from the folder of FILE.")
    source.add_argument("--inputs", metavar="A,B")
    source.add_argument("--probabilities", metavar="NPZ", help="Out of sample, rows as in FILE, columns as `classes`.")
    parser.add_argument("--truth", metavar="COL")
    parser.add_argument("--work", type=float, default=60.0, help="Units of work for the models, each about a second.")
    parser.set_defaults(run=_run_labels)
    return parser


def _run_labels(given: Namespace) -> CommandResult:
    table = _table(given.file, given)
    inputs = tuple(table.named(given.inputs or ""))
    asked = labels.LabelOptions(
        *(given.label, given.text, inputs, given.probabilities, given.truth, given.work, given.seed),
        image=given.image,
        folder=Path(given.file).parent,
        encoder=_encoder(),
    )
    return labels.analyse(table, asked), partial(labels.to_text, contents=labels.contents(table, asked))


def _votes(what: Any) -> ArgumentParser:
    parser: ArgumentParser = what.add_parser("votes", help="What do several people's votes come to?")
    parser.add_argument("votes", metavar="VOTES")
    parser.add_argument("--item", required=True, metavar="COL")
    for name in ("--annotator", "--label"):
        parser.add_argument(name, metavar="COL")
    parser.add_argument("--annotators", metavar="PATTERN", help="Columns of one annotator's labels each: worker_*")
    parser.add_argument("--truth", metavar="FILE")
    parser.add_argument("--text", metavar="COL")
    parser.add_argument("--items", metavar="FILE")
    parser.add_argument("--method", choices=METHODS, default="auto")
    parser.set_defaults(run=_run_votes)
    return parser


def _run_votes(given: Namespace) -> CommandResult:
    if given.items and not given.text:
        raise BadFile("--items needs --text, the column that says what the votes are about.")
    pair = (given.annotator is not None) + (given.label is not None)
    if pair != (2 if given.annotators is None else 0):
        raise BadFile("Say either --annotator and --label, or --annotators for one column an annotator.")
    names = {} if given.annotators else {"annotator": given.annotator, "label": given.label}
    asked = votes.VoteOptions(
        given.item,
        annotators=given.annotators,
        text=given.text,
        method=given.method,
        seed=given.seed,
        encoder=_encoder,
        **names,
    )
    truth, items = (_table(name, given) if name else None for name in (given.truth, given.items))
    return votes.analyse(_table(given.votes, given), asked, truth=truth, items=items), votes.to_text


def _drift(what: Any) -> ArgumentParser:
    parser: ArgumentParser = what.add_parser("drift", help="Is the world changing?")
    parser.add_argument("reference", metavar="REFERENCE")
    parser.add_argument("current", metavar="CURRENT")
    parser.add_argument("--season", metavar="COL")
    parser.add_argument("--columns", metavar="A,B")
    parser.set_defaults(run=_run_drift)
    return parser


def _run_drift(given: Namespace) -> CommandResult:
    reference, current = _table(given.reference, given), _table(given.current, given)
    asked = drift.DriftOptions(given.season, tuple(reference.named(given.columns or "")), given.seed, _encoder)
    return drift.analyse(reference, current, asked), drift.to_text


def _slices(what: Any) -> ArgumentParser:
    parser: ArgumentParser = what.add_parser("slices", help="Where is the model wrong?")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--error", metavar="COL")
    parser.add_argument("--label", metavar="COL")
    parser.add_argument("--predicted", metavar="COL")
    parser.add_argument("--columns", metavar="A,B")
    parser.set_defaults(run=_run_slices)
    return parser


def _run_slices(given: Namespace) -> CommandResult:
    pair = (given.label is not None) + (given.predicted is not None)
    if pair != (2 if given.error is None else 0):
        raise BadFile("Say either --error, or --label and --predicted.")
    table = _table(given.file, given)
    chosen = tuple(table.named(given.columns or ""))
    asked = slices.SliceOptions(given.error, given.label, given.predicted, chosen, given.seed)
    return slices.analyse(table, asked), slices.to_text


def _performance(what: Any) -> ArgumentParser:
    parser: ArgumentParser = what.add_parser("performance", help="How good is the model?")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--label", required=True, metavar="COL")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--scores", metavar="PREFIX|COL")
    source.add_argument("--predicted", metavar="COL", help="The label that the model gave, where there are no scores.")
    parser.add_argument("--weight", metavar="COL")
    parser.add_argument("--positive", metavar="LABEL")
    parser.set_defaults(run=_run_performance)
    return parser


def _run_performance(given: Namespace) -> CommandResult:
    asked = performance.PerformanceOptions(
        *(given.label, given.scores, given.predicted, given.weight, given.positive, given.seed)
    )
    return performance.analyse(_table(given.file, given), asked), performance.to_text
