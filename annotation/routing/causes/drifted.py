"""Drifted: items of a recent window of time that differ from those before it, in all or in one segment."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from annotation import text_vectors
from annotation.models import Cause, Item
from annotation.routing import candidates
from annotation.routing.registry import Pick, Round, RoutingCause, register
from annotation.routing.time_windows import TimeWindow, windows
from annotation.sampling import check_shift, vectorise
from annotation.sampling.design.input_shift import InputShift, find_shifts, summarise
from inputs.groups import group_rows
from projects.chunks import chunks

SEGMENTS = 20  # segments looked at, the most frequent ones
TYPICAL = 0.9  # newness from which on an item is called unlike the labelled ones


@dataclass(frozen=True)
class Sample:
    """n items of a window, the earlier ones and the recent ones, with what is compared."""

    name: str
    ids: NDArray[np.int64]
    recent: NDArray[np.bool_]
    columns: dict[str, list[Any]]
    segments: dict[str, NDArray[np.bool_]]
    groups: NDArray[np.int64]


def propose(round_: Round, places: int) -> Iterable[Pick]:
    """Items that show the shift of the input that moved most; else those least like what is labelled."""
    samples = [_sample(round_, window) for window in windows(round_.project, at=round_.at, rng=round_.rng)]
    types = round_.project.contract().types()
    found = [
        (shift, sample)
        for sample in samples
        for shift in find_shifts(summarise(sample.columns, types), sample.recent, sample.segments, groups=sample.groups)
    ]
    if found:
        shift, sample = max(found, key=lambda pair: pair[0].effect)
        round_.words.append(f"In the last {sample.name}: {shift.words}.")
        return _of_input(round_, sample, shift)
    for sample in samples:
        if picks := _of_vectors(round_, sample):
            return picks
    return []


def _sample(round_: Round, window: TimeWindow) -> Sample:
    ids = [*window.before, *window.recent]
    stored: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}
    for chunk in chunks(ids):
        rows = Item.objects.filter(pk__in=chunk).values_list("pk", "inputs", "segment")
        stored |= {pk: (inputs, segment) for pk, inputs, segment in rows}
    columns = candidates.columns_of(round_.project, [stored[pk][0] for pk in ids])
    return Sample(
        name=window.name,
        ids=np.array(ids, dtype=np.int64),
        recent=np.arange(len(ids)) >= len(window.before),
        columns=columns,
        groups=group_rows(columns, round_.project.contract().types()),
        segments=_segments([stored[pk][1] for pk in ids]),
    )


def _segments(rows: Sequence[dict[str, Any]]) -> dict[str, NDArray[np.bool_]]:
    """Masks of the most frequent segments, named like "sensor B"."""
    masks: dict[str, NDArray[np.bool_]] = {}
    for place, row in enumerate(rows):
        for name, value in row.items():
            masks.setdefault(f"{name} {value}", np.zeros(len(rows), dtype=bool))[place] = True
    common = sorted(masks, key=lambda name: -int(masks[name].sum()))
    return {name: masks[name] for name in common[:SEGMENTS]}


def _of_input(round_: Round, sample: Sample, shift: InputShift) -> list[Pick]:
    numbers = {
        "input": shift.name,
        "segment": shift.segment,
        "window": sample.name,
        "standard_deviations": round(shift.standard_deviations, 2),
        "distance": round(shift.effect, 4),
        "p": shift.p,
    }
    reason = f"unlike earlier items: {shift.words}, in the last {sample.name}"
    chosen = _in_pool([int(sample.ids[row]) for row in round_.rng.permutation(shift.rows)])
    return [Pick(pk, reason, numbers, "input_shift") for pk in chosen]


def _of_vectors(round_: Round, sample: Sample) -> list[Pick]:
    """Where no single input moved but the items as a whole did: how unlike the labelled items each recent one is."""
    types = round_.project.contract().types()
    known, targets = _labelled(round_)
    columns = {name: [*values, *(row.get(name) for row in known)] for name, values in sample.columns.items()}
    available = text_vectors.available_vectors(round_.project, columns, types)
    vectors = vectorise(columns, types, texts=available.vectors, seed=0)
    n = len(sample.ids)
    before, recent = vectors[:n][~sample.recent], vectors[:n][sample.recent]
    check = check_shift(
        before,
        recent,
        seed=round_.seed,
        reference_groups=sample.groups[~sample.recent],
        recent_groups=sample.groups[sample.recent],
    )
    if not check.drifted:
        return []
    labelled = vectors[n:] if len(known) else before
    distances, nearest = _nearest(recent, labelled)
    earlier = np.sort(_nearest(before, labelled, own=not len(known))[0])
    newness = np.searchsorted(earlier, distances, side="left") / len(earlier)
    ids, order = sample.ids[sample.recent], np.argsort(-newness, kind="stable")
    round_.words.append(f"In the last {sample.name}: {check.words}")
    allowed = set(_in_pool(ids.tolist()))
    return [
        _vector_pick(
            int(ids[row]), float(newness[row]), targets[nearest[row]] if len(known) else "", check, sample.name
        )
        for row in order
        if newness[row] >= TYPICAL and int(ids[row]) in allowed
    ]


def _vector_pick(pk: int, newness: float, target: str, check: Any, window: str) -> Pick:
    share = min(int(100 * newness), 99)
    what = "training data" if target else "earlier items"
    reason = f"less like the {what} than {share} in 100 earlier items"
    reason += f"; the nearest is labelled {target}" if target else ""
    numbers = {"newness": round(newness, 4), "distance": round(check.effect, 4), "p": check.p, "window": window}
    return Pick(pk, reason, numbers | ({"nearest": target} if target else {}), "newness")


def _labelled(round_: Round) -> tuple[list[dict[str, Any]], list[str]]:
    rows = candidates.labelled(round_.project)
    columns = candidates.columns_of(round_.project, [inputs for inputs, _ in rows])
    inputs = [{name: values[place] for name, values in columns.items()} for place in range(len(rows))]
    return inputs, [str(value) for _, value in rows]


def _nearest(
    rows: NDArray[np.floating], others: NDArray[np.floating], *, own: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """(m,) distance to the nearest of the others, and which that is; `own` = they are the rows, each without itself."""
    distances = cdist(rows, others)
    if own:
        np.fill_diagonal(distances, np.inf)
    return distances.min(axis=1), distances.argmin(axis=1)


def _in_pool(ids: list[int]) -> list[int]:
    """Those of the items that may still be asked, in their order."""
    free: set[int] = set()
    for chunk in chunks(ids):
        free |= set(Item.objects.filter(pk__in=chunk, in_pool=True).values_list("pk", flat=True))
    return [pk for pk in ids if pk in free]


CAUSE = register(RoutingCause(Cause.DRIFTED, Cause.DRIFTED.label, propose, share=0.25, order=50))
