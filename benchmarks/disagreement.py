"""How soon and how rightly the gate on disagreements decides, looked at after every label.

    python -m benchmarks.disagreement [--times 4000] [--rows 8000] [--seed 0]

One JSON line for each case, candidates as in `benchmarks.gate`: the champion is right in 90 % of the rows and 70 % of
the candidate's errors are the champion's too. Each window of traffic has `rows` rows; labels are drawn uniformly from
its disagreements until none is left. `promoted` and `refused` are the shares of windows for which that was ever decided
within `labels` labels; `uniform` is what the gate on audit labels promotes with as many. `neither` is the share of
disagreements on which both are wrong, as with more than two classes.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.gate import Errors, draw, share_promoted
from retraining.learning.gate.bounded_mean import MeanTest, confidence_limits
from retraining.learning.gate.decision import GateRule
from retraining.learning.gate.disagreement import DisagreementVerdict, SequentialDecision, judge_disagreements
from retraining.learning.gate.traffic import PairedTraffic, draw_order, traffic
from validation.arrays import Floats, Ints

ALPHA = 0.05
LOOKS = (25, 50, 100, 200, 300)


@dataclass(frozen=True)
class SimulatedWindow:
    """A window of traffic, its true labels, and the rows of its disagreements in the order of their draw."""

    window: PairedTraffic
    truth: Ints
    drawn: Ints

    def gains(self) -> Floats:
        labels = self.truth[self.drawn]
        right = (self.window.candidate[self.drawn] == labels).astype(float)
        return np.asarray(right - (self.window.champion[self.drawn] == labels))

    def judge(self, labels: int, *, margin: float = 0.01, plan: bool = True) -> DisagreementVerdict:
        rows = self.drawn[:labels]
        return judge_disagreements(self.window, rows, self.truth[rows], rule=GateRule(margin, ALPHA), plan=plan)


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    _report(Errors(0.02), options, labels=100, reach="decided >= 0.80")
    _report(Errors(0.01), options, labels=300, reach="promoted >= 0.75")
    _report(Errors(0.0), options, labels=None, reach="promoted <= 0.05")
    _report(Errors(-0.02), options, labels=None, reach="promoted <= 0.01")
    _report(Errors(0.02), options, labels=100, neither=0.3)
    _report(Errors(0.0), options, labels=None, neither=0.3)
    for gain in (0.02, 0.01):
        _forecast(Errors(gain), options)
    _coverage(Errors(0.02), options)
    for loss in (0.0, 0.02):
        _slice(loss, options)


def simulate(rng: np.random.Generator, errors: Errors, *, rows: int, neither: float = 0.0) -> SimulatedWindow:
    """A window like those of `benchmarks.gate`; `neither`: share of the disagreements on which both are wrong."""
    audit = draw(rng, errors, n=rows)
    champion, candidate = audit.champion_wrong.copy(), audit.candidate_wrong.copy()
    differ = errors.only_champion + errors.only_candidate
    both = np.flatnonzero((champion == 1) & (candidate == 1))
    several = rng.random(len(both)) < neither / (1 - neither) * differ / (errors.shared * errors.candidate)
    candidate[both[several]] = 2
    window = traffic(champion, candidate)
    return SimulatedWindow(window, np.zeros(rows, dtype=np.int64), draw_order(window, rng))


def first_decisions(gains: Sequence[Floats]) -> tuple[Ints, Ints]:
    """For each window, after how many labels the candidate was promoted, and refused; 0 for never. Shapes (times,)."""
    better, worse = MeanTest(np.zeros(len(gains)), ALPHA), MeanTest(np.zeros(len(gains)), ALPHA)
    longest = max(map(len, gains))
    table = np.stack([np.pad(own, (0, longest - len(own))) for own in gains], axis=1)  # a gain of 0 changes nothing
    promoted, refused = np.zeros(len(gains), dtype=np.int64), np.zeros(len(gains), dtype=np.int64)
    for label, row in enumerate(table, 1):
        better.add(row)
        worse.add(-row)
        promoted[better.rejected & (promoted == 0)] = label
        refused[worse.rejected & (refused == 0)] = label
    return promoted, refused


def share_by(first: Ints, labels: int | None) -> float:
    """The share of windows decided within so many labels, or ever."""
    return float(np.mean((first > 0) & (first <= (labels or first.max(initial=1)))))


def _report(
    errors: Errors, options: argparse.Namespace, *, labels: int | None, neither: float = 0.0, reach: str = ""
) -> None:
    rng, started = np.random.default_rng(options.seed), time.perf_counter()
    windows = [
        simulate(rng, errors, rows=options.rows, neither=neither).gains()[: labels or None]
        for _ in range(options.times)
    ]
    promoted, refused = first_decisions(windows)
    share = share_by(promoted, labels)
    decided = promoted[promoted > 0] if errors.gain > 0 else refused[refused > 0]
    _print(
        {
            "points": round(100 * errors.gain, 6),
            "labels": labels or "all",
            "neither": neither,
            "promoted": round(share, 4),
            "error": round(float(np.sqrt(share * (1 - share) / options.times)), 4),
            "refused": round(share_by(refused, labels), 4),
            "median_labels": float(np.median(decided)) if len(decided) else None,
            "most_labels": max(map(len, windows)),
            "uniform": share_promoted(errors, n=labels, times=min(options.times, 1000), seed=0) if labels else None,
            "reach": reach,
        },
        options,
        started,
    )


def _forecast(errors: Errors, options: argparse.Namespace, *, at: int = 40) -> None:
    """Of the windows undecided after some labels: how often a number is named, and how often it then was enough."""
    rng, started = np.random.default_rng(options.seed), time.perf_counter()
    named, enough, undecided = [], [], 0
    for _ in range(max(options.times // 20, 1)):
        one = simulate(rng, errors, rows=options.rows)
        verdict = one.judge(at)
        undecided += verdict.decision == SequentialDecision.UNDECIDED
        if verdict.needed is not None:
            named.append(verdict.needed)
            promoted, refused = first_decisions([one.gains()[: at + verdict.needed]])
            enough.append(bool(promoted[0] or refused[0]))
    _print(
        {
            "points": round(100 * errors.gain, 6),
            "labels": at,
            "named": round(len(named) / max(undecided, 1), 3),
            "median_named": float(np.median(named)) if named else None,
            "enough": round(float(np.mean(enough)), 3) if named else None,
        },
        options,
        started,
    )


def _coverage(errors: Errors, options: argparse.Namespace) -> None:
    """How often one of some looks misses the true difference over all traffic; at most 2 alpha is stated."""
    rng, started = np.random.default_rng(options.seed), time.perf_counter()
    missed, widths = [], []
    for _ in range(max(options.times // 10, 1)):
        one = simulate(rng, errors, rows=options.rows)
        gains, rate = one.gains(), one.window.differs.mean()
        limits = [confidence_limits(gains[:look], ALPHA) for look in LOOKS]
        missed.append(any(not rate * found.low <= errors.gain <= rate * found.high for found in limits))
        widths.append([rate * (found.high - found.low) for found in limits])
    wide = {str(look): round(100 * float(width), 2) for look, width in zip(LOOKS, np.mean(widths, axis=0), strict=True)}
    line = {"points": 100 * errors.gain, "missed_at_a_look": round(float(np.mean(missed)), 4), "points_wide": wide}
    _print(line, options, started)


def _slice(loss: float, options: argparse.Namespace, *, labels: int = 300) -> None:
    """A protected half of the traffic in which the candidate is worse by `loss`, at a margin of 2 points."""
    rng, started = np.random.default_rng(options.seed), time.perf_counter()
    passed = [_slice_passed(rng, loss, labels, rows=options.rows) for _ in range(max(options.times // 10, 1))]
    line = {"slice_worse_by": 100 * loss, "margin": 2.0, "labels": labels, "slice_passed": float(np.mean(passed))}
    _print(line, options, started)


def _slice_passed(rng: np.random.Generator, loss: float, labels: int, *, rows: int) -> bool:
    inside, outside = (draw(rng, Errors(gain), n=rows // 2) for gain in (-loss, 0.02))
    champion = np.concatenate([inside.champion_wrong, outside.champion_wrong])
    candidate = np.concatenate([inside.candidate_wrong, outside.candidate_wrong])
    window = traffic(champion, candidate, protected={"half": np.arange(len(champion)) < rows // 2})
    one = SimulatedWindow(window, np.zeros(len(champion), dtype=np.int64), draw_order(window, rng))
    return one.judge(labels, margin=0.02, plan=False).slices[0].passed


def _print(line: Mapping[str, object], options: argparse.Namespace, started: float) -> None:
    seconds = round(time.perf_counter() - started, 1)
    whole = {"benchmark": "disagreement", **line, "rows": options.rows, "times": options.times, "seconds": seconds}
    print(json.dumps(whole), flush=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.disagreement", description="Error rates and label counts of the disagreement gate."
    )
    parser.add_argument("--times", type=int, default=4000)
    parser.add_argument("--rows", type=int, default=8000)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
