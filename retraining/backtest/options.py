"""What a person asks of a backtest, checked. Travels as JSON to the process that replays."""

from typing import Any

import msgspec

from annotation.sampling.strategies.registry import STRATEGIES
from validation import InvalidInput

METRICS = ("accuracy", "macro_f1")
REPLAYED = tuple(name for name in STRATEGIES if name != "committee")
"""Strategies that a queue takes: a committee needs several models, and one serves."""

MOST_SEEDS, MOST_OVERLAP, MOST_BUDGET = 100, 20, 1_000_000


class BadBacktest(InvalidInput):
    """A backtest that cannot be made; the message is one line that says why."""


class BacktestOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file, its columns, and how its labels are asked for.

    inputs, text, image  columns of the inputs: one of these three ways, or none for what the columns look like
    batch                labels of one round
    budget               labels in all; each person's answer is one, so that an overlap of 2 asks about half the items
    test                 COLUMN=VALUE of the rows that measure; "" for a share of the rows of each label
    annotator_accuracy   the probability that a simulated person gives the file's label; any other label is as likely
                         as another
    """

    file: str
    label: str
    time: str = ""
    text: str = ""
    inputs: str = ""
    image: str = ""
    key: str = ""
    strategy: str = "auto"
    batch: int = 20
    budget: int = 400
    seeds: int = 5
    test_share: float = 0.3
    test: str = ""
    metric: str = "accuracy"
    annotator_accuracy: float = 1.0
    overlap: int = 1
    separator: str = ""
    decimal: str = ""
    encoding: str = ""

    def validate(self) -> None:
        """Raises BadBacktest at the first option that cannot be used."""
        if self.strategy not in REPLAYED:
            raise BadBacktest(f"There is no strategy {self.strategy!r}; there are {', '.join(REPLAYED)}.")
        if self.metric not in METRICS:
            raise BadBacktest(f"There is no metric {self.metric!r}; there are {', '.join(METRICS)}.")
        if sum(map(bool, (self.text, self.inputs, self.image))) > 1:
            raise BadBacktest("Say one of --text, --inputs and --image.")
        self._check_numbers()
        if self.test and "=" not in self.test:
            raise BadBacktest(f"--test is {self.test!r}; it takes COLUMN=VALUE, such as split=test.")

    def _check_numbers(self) -> None:
        for name, value, least, most in (
            ("--batch", self.batch, 1, MOST_BUDGET),
            ("--budget", self.budget, 1, MOST_BUDGET),
            ("--seeds", self.seeds, 1, MOST_SEEDS),
            ("--overlap", self.overlap, 1, MOST_OVERLAP),
        ):
            if not least <= value <= most:
                raise BadBacktest(f"{name} is {value}; it takes a whole number from {least} to {most:,}.")
        if self.batch > self.budget:
            raise BadBacktest(f"--batch is {self.batch} and --budget {self.budget}; one round may not cost more.")
        if self.overlap > self.batch:
            raise BadBacktest(f"--overlap is {self.overlap} and --batch {self.batch}; a round asks one item at least.")
        if not 0 < self.test_share < 1:
            raise BadBacktest(f"--test-share is {self.test_share:g}; it takes a number between 0 and 1.")
        if not 0 < self.annotator_accuracy <= 1:
            raise BadBacktest(f"--annotator-accuracy is {self.annotator_accuracy:g}; it takes a number up to 1.")


def parse_options(given: dict[str, Any]) -> BacktestOptions:
    """The options, checked. Raises BadBacktest."""
    try:
        options = msgspec.convert(given, BacktestOptions)
    except msgspec.ValidationError as why:
        raise BadBacktest(str(why)) from None
    options.validate()
    return options
