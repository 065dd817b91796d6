"""Tests of single inputs between two windows of time, in all items and in each segment.

Each input is summarised by numbers that have a name: a number itself, the length of a text, brightness and contrast of
an image, the share of a category. Each is compared between the windows by a two-sample Kolmogorov-Smirnov test (shares
by the difference of two proportions), the p values are adjusted by Benjamini and Hochberg (1995), and an effect floor
keeps large windows from alarming at differences that nobody would act on.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from annotation.sampling.design.shift_check import first_of_each
from inputs.registry import is_read_as_text
from inputs.values import is_missing

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LEVELS = 10  # categories of one input that are looked at, the most frequent ones
FEWEST_RECENT, FEWEST_BEFORE = 50, 100  # rows of a window; with fewer nothing is said
EFFECT = 0.15  # Kolmogorov-Smirnov distance, or difference of two shares
LEVEL = 0.01
STANDS_OUT = 1.5  # times the effect in all items, from which on a segment is named


@dataclass(frozen=True)
class Summary:
    """One named number of each of n rows, NaN where it is missing; `is_share` where it is 0 or 1."""

    name: str
    values: Floats
    is_share: bool = False


@dataclass(frozen=True)
class InputShift:
    """A summary that moved.

    name      of the summary; segment, where it moved, "" = everywhere
    rows      (m,) recent rows that show the shift: past the middle between the two means
    p         adjusted; effect, the Kolmogorov-Smirnov distance or the difference of shares, 0 to 1
    before, now, spread   mean of either window, and the earlier window's standard deviation
    """

    name: str
    segment: str
    rows: NDArray[np.intp]
    p: float
    effect: float
    before: float
    now: float
    spread: float
    is_share: bool

    @property
    def standard_deviations(self) -> float:
        """How far the mean moved, in standard deviations of the earlier window; above 0 = higher now."""
        return (self.now - self.before) / self.spread if self.spread > 0 else 0.0

    @property
    def words(self) -> str:
        where = f", in {self.segment}" if self.segment else ""
        if self.is_share:
            return f"{self.name} in {100 * self.now:.0f} % of items, {100 * self.before:.0f} % before{where}"
        moved = self.standard_deviations
        if abs(moved) < 0.5:
            return f"{self.name} spread otherwise than before, distance {self.effect:.2f}{where}"
        return f"mean {self.name} {abs(moved):.1f} SD {'higher' if moved > 0 else 'lower'}{where}"


def summarise(columns: Mapping[str, Sequence[Any]], types: Mapping[str, str]) -> list[Summary]:
    """The named numbers of n rows of mixed columns, as `vectorise` takes them."""
    found: list[Summary] = []
    images = sum(kind == "image" for kind in types.values())
    for name, kind in types.items():
        values = columns[name]
        if kind == "number":
            found.append(Summary(name, _numbers([None if is_missing(value) else float(value) for value in values])))
        elif is_read_as_text(kind):
            lengths = [None if is_missing(value) else float(len(value)) for value in values]
            found.append(Summary(f"length of {name}", _numbers(lengths)))
        elif kind == "image":
            of = f" of {name}" if images > 1 else ""
            present = [None if is_missing(value) else np.asarray(value, dtype=float) for value in values]
            found.append(Summary(f"brightness{of}", _numbers([None if p is None else p.mean() for p in present])))
            found.append(Summary(f"contrast{of}", _numbers([None if p is None else p.std() for p in present])))
        elif kind in ("category", "boolean"):
            found += _shares(name, values)
    return found


def _numbers(values: Sequence[float | None]) -> Floats:
    numbers = np.array([np.nan if value is None else value for value in values], dtype=float)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _shares(name: str, values: Sequence[Any]) -> list[Summary]:
    texts = ["missing" if is_missing(value) else str(value) for value in values]
    common = [level for level, _ in Counter(texts).most_common(LEVELS)]
    return [
        Summary(f"{name} {level}", np.array([float(text == level) for text in texts]), is_share=True)
        for level in common
    ]


def find_shifts(
    summaries: Sequence[Summary],
    recent: Bools,
    segments: Mapping[str, Bools],
    *,
    groups: NDArray[np.int64] | None = None,
    level: float = LEVEL,
) -> list[InputShift]:
    """The summaries that moved, the largest effect first. A segment counts where its effect is well above that of all.

    recent (n,) is true for the rows of the recent window, false for those of the earlier one; `segments` names parts
    of both, each as an (n,) mask. groups (n,): copies of one row share one (`inputs.groups`) and count once a window.
    """
    counted = np.ones(len(recent), dtype=bool)
    if groups is not None:
        counted[~recent] = first_of_each(groups[~recent], int((~recent).sum()))
        counted[recent] = first_of_each(groups[recent], int(recent.sum()))
    everywhere = {"": np.ones(len(recent), dtype=bool)}
    tests = [
        shift
        for segment, mask in {**everywhere, **segments}.items()
        for summary in summaries
        if (shift := _compare(summary, recent, segment, mask, counted)) is not None
    ]
    if not tests:
        return []
    adjusted = stats.false_discovery_control([shift.p for shift in tests], method="bh")
    moved = [
        InputShift(**{**vars(shift), "p": float(p)})
        for shift, p in zip(tests, adjusted, strict=True)
        if p < level and shift.effect > EFFECT
    ]
    whole = {shift.name: shift.effect for shift in moved if not shift.segment}
    kept = [shift for shift in moved if not shift.segment or shift.effect > STANDS_OUT * whole.get(shift.name, 0.0)]
    return sorted(kept, key=lambda shift: (-shift.effect, -abs(shift.standard_deviations)))


def _compare(summary: Summary, recent: Bools, segment: str, mask: Bools, counted: Bools) -> InputShift | None:
    present = mask & np.isfinite(summary.values)
    now, before = summary.values[present & recent & counted], summary.values[present & ~recent & counted]
    if len(now) < FEWEST_RECENT or len(before) < FEWEST_BEFORE:
        return None
    if summary.is_share:
        p, effect = _share_test(now, before)
    else:
        test = stats.ks_2samp(now, before, method="asymp")
        p, effect = float(test.pvalue), float(test.statistic)
    middle, up = (now.mean() + before.mean()) / 2, now.mean() >= before.mean()
    shows = summary.values >= middle if up else summary.values <= middle
    return InputShift(
        name=summary.name,
        segment=segment,
        rows=np.flatnonzero(present & recent & shows),
        p=p,
        effect=effect,
        before=float(before.mean()),
        now=float(now.mean()),
        spread=float(before.std()),
        is_share=summary.is_share,
    )


def _share_test(now: Floats, before: Floats) -> tuple[float, float]:
    """p of the difference of two proportions (pooled z test), and the difference."""
    pooled = np.concatenate([now, before]).mean()
    error = np.sqrt(pooled * (1 - pooled) * (1 / len(now) + 1 / len(before)))
    difference = float(now.mean() - before.mean())
    return (float(2 * stats.norm.sf(abs(difference) / error)) if error > 0 else 1.0), abs(difference)
