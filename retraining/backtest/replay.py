"""The whole backtest in a process of its own: read the file, capture it once, repeat the loop, and sum up."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from django.db import connection

from annotation.models import Item
from retraining import registry
from retraining.backtest import installation
from retraining.backtest.curves import SeedRun, TestScore, grid, summarise
from retraining.backtest.installation import AUDIT_SHARE, Snapshot
from retraining.backtest.loop import Loop, TestPart, play_round
from retraining.backtest.options import BacktestOptions, BadBacktest
from retraining.backtest.source import EPOCH, LabelledFile, read_file
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
        self.strategies = list(dict.fromkeys((options.strategy, BASELINE)))
        self.started = 0.0

    def run(self) -> dict[str, Any]:
        self.project = installation.make_project(
            self.file, self.options, retraining={"promote": "by_gate"}, audit=self._audit_share()
        )
        self._store()
        full = self._full_data_score()
        self.empty_or_captured.restore()
        runs = {name: self._repetitions(name, place) for place, name in enumerate(self.strategies)}
        return self._out(full, runs)

    def _audit_share(self) -> float:
        """In time the gate decides by audit items; else the test part measures, and no label is spent on an audit."""
        return AUDIT_SHARE

    def _store(self) -> None:
        """Capture what may be asked, encode texts, and keep copies of the database before and after."""
        places = self.file.pool.tolist()
        stored = installation.store_inputs(self.project, self.file, self.file.test.tolist())
        if not stored:
            raise BadBacktest(f"The inputs of the test part of {self.file.name} cannot be used.")
        test = [place for place in self.file.test.tolist() if place in stored]
        self.test = TestPart([stored[place] for place in test], self.file.codes(np.array(test)))
        self.without_items = Snapshot("without items")
        installation.capture_rows(self.project, self.file, places, at=EPOCH)
        captured = list(Item.objects.filter(project=self.project).values_list("inputs", flat=True))
        if len(captured) < self.options.budget // self.options.overlap:
            raise BadBacktest(f"Only {len(captured):,} rows of {self.file.name} can be captured.")
        every = captured + self.test.inputs
        installation.encode_texts(self.project, every, lambda share: self.progress(0.02 + 0.05 * share, "Encoding texts"))
        self.empty_or_captured = Snapshot("captured")

    def _full_data_score(self) -> TestScore:
        """What the product's trainer reaches with every label of the pool."""
        self.progress(0.07, "Training on every label")
        self.without_items.restore()
        installation.capture_rows(self.project, self.file, self.file.pool.tolist(), at=EPOCH, known=True)
        loop = Loop(self.file, self.options, self.test, seed=0, at=EPOCH)
        run = loop.train()
        if run.state != RunState.SUCCEEDED:
            raise BadBacktest(f"No model can be trained on all labels of {self.file.name}. {run.error}")
        return self.test.score(loop.project, run.version)

    def _repetitions(self, strategy: str, place: int) -> list[SeedRun]:
        return [self._repetition(strategy, seed, place) for seed in range(self.options.seeds)]

    def _repetition(self, strategy: str, seed: int, place: int) -> SeedRun:
        self.empty_or_captured.restore()
        installation.choose_strategy(self.project, strategy)
        loop = Loop(self.file, self.options, self.test, seed=seed, at=EPOCH)
        scores, began = [], time.perf_counter()
        for n, until in enumerate(self.labels):
            scores.append(play_round(loop, until))
            done = (place * self.options.seeds + seed + (n + 1) / len(self.labels)) / len(self.strategies)
            watched = getattr(scores[-1], self.options.metric)
            words = f"{strategy}, seed {seed + 1} of {self.options.seeds}: {until} labels, {watched:.3f}"
            self.progress(BEFORE + (1 - BEFORE) * done / self.options.seeds, words)
        connection.close()
        return SeedRun(scores, (time.perf_counter() - began) / len(self.labels))

    def _out(self, full: TestScore, runs: dict[str, list[SeedRun]]) -> dict[str, Any]:
        options = self.options
        head = {"metric": options.metric, "seeds": options.seeds, "full_data_score": round(getattr(full, options.metric), 4)}
        summaries = {
            name: {"strategy": name, **head, **summarise(found, self.labels, full, options.metric)}
            for name, found in runs.items()
        }
        counts = {"rows": len(self.file.pool), "test_rows": len(self.test.inputs), "left_out": self.file.left_out}
        return {**summaries[options.strategy], **counts, "random": summaries[BASELINE]}
