"""The whole backtest in a process of its own: read the file, capture it once, repeat the loop, and sum up."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from retraining.backtest import installation, timed
from retraining.backtest.curves import HeldOutScore, SeedRun, grid, summarise
from retraining.backtest.installation import Snapshot
from retraining.backtest.loop import HeldOutRows, Loop, play_round
from retraining.backtest.options import BacktestOptions, BadBacktest
from retraining.backtest.source import EPOCH, LabelledFile, read_file
from retraining.backtest.timed import TimedRun, play_round_in_time
from retraining.models import RunState

Progress = Callable[[float, str], None]
BASELINE = "random"
BEFORE = 0.1
"""The share of the progress that is done when the repetitions begin."""


def run_backtest(options: BacktestOptions, *, progress: Progress) -> dict[str, Any]:
    """The OUT of the command. Raises InvalidInput with one line."""
    file = read_file(options)
    progress(0.01, f"{len(file.pool):,} rows to label, {len(file.test):,} to measure by")
    installation.prepare()
    return _Backtest(file, options, progress).run()


class _Backtest:
    """A file in the database of this process, and what all its labels give."""

    def __init__(self, file: LabelledFile, options: BacktestOptions, progress: Progress) -> None:
        self.file, self.options, self.progress = file, options, progress
        self.labels = grid(options.batch, options.budget)
        self.rounds = 0

    def run(self) -> dict[str, Any]:
        settings, audit = (timed.SETTINGS, timed.AUDIT_SHARE) if self.options.time else ({}, installation.AUDIT_SHARE)
        self.project = installation.make_project(self.file, self.options, retraining=settings, audit=audit)
        self._store()
        full = self._full_data_score()
        played = [self._repetition(*one) for one in self._plan()]
        return self._out(full, played)

    def _plan(self) -> list[tuple[str, int]]:
        """Strategy and seed of each repetition."""
        strategies = dict.fromkeys((self.options.strategy, BASELINE))
        return [(strategy, seed) for strategy in strategies for seed in range(self.options.seeds)]

    def _store(self) -> None:
        """Check the inputs, encode texts, and keep copies of the database without items and with them."""
        stored = installation.store_inputs(self.project, self.file, range(len(self.file.rows)))
        test, self.pool = (
            [place for place in part.tolist() if place in stored] for part in (self.file.test, self.file.pool)
        )
        if not test or len(self.pool) < self.options.budget // self.options.overlap:
            raise BadBacktest(
                f"The inputs of {len(self.file.rows) - len(stored):,} rows of {self.file.name} cannot be used."
            )
        self.left_out = self.file.left_out + len(self.file.rows) - len(stored)
        self.test = HeldOutRows([stored[place] for place in test], self.file.codes(np.array(test)))
        texts = list(stored.values())
        installation.encode_texts(
            self.project, texts, lambda share: self.progress(0.02 + 0.05 * share, "Encoding texts")
        )
        self.without_items = Snapshot("without items")
        installation.capture_rows(self.project, self.file, self.pool, at=EPOCH)
        self.captured = Snapshot("captured")

    def _full_data_score(self) -> HeldOutScore:
        """What the product's trainer reaches with every label of the pool."""
        self.progress(0.07, "Training on every label")
        self.without_items.restore()
        installation.capture_rows(self.project, self.file, self.pool, at=EPOCH, known=True)
        loop = Loop(self.file, self.options, self.test, seed=0, at=EPOCH)
        run = loop.train()
        if run.state != RunState.SUCCEEDED:
            raise BadBacktest(f"No model can be trained on all labels of {self.file.name}. {run.error}")
        return self.test.score(loop.project, run.version)

    def _repetition(self, strategy: str, seed: int) -> "_Played":
        """The loop once from the beginning."""
        (self.without_items if self.options.time else self.captured).restore()
        installation.choose_strategy(self.project, strategy)
        loop = Loop(self.file, self.options, self.test, seed=seed, at=EPOCH)
        windows = np.array_split(np.array(self.pool), len(self.labels))
        in_time, scores, began = TimedRun(), list[HeldOutScore](), time.perf_counter()
        for until, rows in zip(self.labels, windows, strict=True):
            if self.options.time:
                scores.append(play_round_in_time(loop, in_time, rows.tolist(), until))
            else:
                scores.append(play_round(loop, until))
            self._report_round(strategy, seed, until, scores[-1])
        seconds = (time.perf_counter() - began) / len(self.labels)
        return _Played(strategy, SeedRun(scores, seconds), in_time)

    def _report_round(self, strategy: str, seed: int, labels: int, score: HeldOutScore) -> None:
        self.rounds += 1
        share = self.rounds / (len(self._plan()) * len(self.labels))
        watched = getattr(score, self.options.metric)
        words = f"{strategy}, repetition {seed + 1} of {self.options.seeds}: {labels:,} labels, {watched:.3f}"
        self.progress(BEFORE + (1 - BEFORE) * share, words)

    def _out(self, full: HeldOutScore, played: list["_Played"]) -> dict[str, Any]:
        ours, random = (self._summary(full, played, name) for name in (self.options.strategy, BASELINE))
        counts = {"rows": len(self.pool), "test_rows": len(self.test.truth), "left_out": self.left_out}
        in_time = (
            {"events": played[0].in_time.events, "windows": played[0].in_time.windows} if self.options.time else {}
        )
        return {**ours, **counts, **in_time, "random": random}

    def _summary(self, full: HeldOutScore, played: list["_Played"], strategy: str) -> dict[str, Any]:
        metric = self.options.metric
        runs = [one.run for one in played if one.strategy == strategy]
        head = {"strategy": strategy, "metric": metric, "seeds": self.options.seeds}
        head["full_data_score"] = round(getattr(full, metric), 4)
        return {**head, **summarise(runs, self.labels, full, metric)}


@dataclass(frozen=True)
class _Played:
    """One repetition: its scores, and in time what happened."""

    strategy: str
    run: SeedRun
    in_time: TimedRun
