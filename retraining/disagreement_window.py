"""The window of traffic that two versions answered: which rows count, the draw of their disagreements, its labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from annotation import kinds, media, versions
from annotation.models import Item, NoLabelDecision, Prediction, Resolution
from inputs.groups import group_rows
from projects.chunks import chunks
from projects.models import Project
from projects.project_settings import LABEL_SLICE
from retraining import datasets, registry
from retraining.bodies import DrawnBody, WindowBody
from retraining.learning.gate.traffic import PairedTraffic, draw_order, traffic
from retraining.models import DatasetRow, ModelVersion
from retraining.sides import in_segment

MOST_ROWS = 20_000  # of the newest traffic
MOST_DRAWN = 2_000


@dataclass(frozen=True)
class LabelledDraws:
    """The first `settled` drawn items have a label, or none fits: places and labels of those with one.

    Of the items asked about, `later` are settled after a gap and `waiting` are not settled.
    """

    places: list[int]
    truth: list[str]
    settled: int
    later: int
    waiting: int


def answers_since(project: Project, tag: str, *, since: datetime) -> dict[int, str]:
    """Item id to what this version said of the newest items; classes that the project has now."""
    rows = Prediction.objects.filter(versions.answers(tag), project=project, out_of_sample=True, item__at__gt=since)
    rows = rows.filter(label__in=kinds.class_names(project))
    return dict(rows.order_by("-item__at", "-item", "pk").values_list("item_id", "label")[:MOST_ROWS])


def draw_window(
    version: ModelVersion, incumbent: registry.Incumbent, answers: dict[int, tuple[str, str]], seed: int
) -> WindowBody:
    """Distinct rows that neither version learnt from, and the draw of their disagreements."""
    project, ids = version.project, list(answers)
    inputs, segments = _stored(ids)
    learnt = _learnt(version, incumbent)
    known, _ = _stored(learnt)
    types = project.contract().types()
    group = group_rows(media.columns(project, [*inputs, *known], types), types)
    seen = np.isin(group[: len(ids)], group[len(ids) :])
    first = np.zeros(len(ids), dtype=bool)
    first[np.unique(group[: len(ids)], return_index=True)[1]] = True
    kept = np.flatnonzero(first & ~seen)
    return _body(
        [ids[row] for row in kept],
        [answers[ids[row]] for row in kept],
        _masks(project, [segments[row] for row in kept]),
        seed=seed,
        learnt=int(seen.sum()),
        copies=int((~first & ~seen).sum()),
        not_asked=[name for name in _protected(project) if _is_label(name)],
    )


def _body(
    ids: Sequence[int],
    answers: Sequence[tuple[str, str]],
    masks: dict[str, NDArray[np.bool_]],
    *,
    seed: int,
    learnt: int,
    copies: int,
    not_asked: list[str],
) -> WindowBody:
    found = traffic(np.array([old for old, _ in answers]), np.array([new for _, new in answers]), protected=masks)
    order = draw_order(found, np.random.default_rng(seed))
    drawn = [
        DrawnBody(
            item=ids[row],
            champion=answers[row][0],
            candidate=answers[row][1],
            slices=[name for name, mask in masks.items() if mask[row]],
        )
        for row in order[:MOST_DRAWN]
    ]
    counts = {name: (int(mask.sum()), int((mask & found.differs).sum())) for name, mask in masks.items()}
    return WindowBody(
        rows=found.n,
        disagreements=len(order),
        slices=counts,
        drawn=drawn,
        learnt=learnt,
        copies=copies,
        not_asked=not_asked,
    )


def _stored(item_ids: Sequence[int]) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Inputs and segments, in the order of the ids."""
    found: dict[int, tuple[dict[str, object], dict[str, object]]] = {}
    for chunk in chunks(item_ids):
        rows = Item.objects.filter(pk__in=chunk).values_list("pk", "inputs", "segment")
        found |= {pk: (inputs, segment) for pk, inputs, segment in rows}
    return [found[pk][0] for pk in item_ids], [found[pk][1] for pk in item_ids]


def _learnt(version: ModelVersion, incumbent: registry.Incumbent) -> list[int]:
    """Ids of the items that either version was trained on."""
    sets = [one.run.dataset_id for one in (version, incumbent.version) if one is not None]
    rows = DatasetRow.objects.filter(dataset__in=sets, split=datasets.Split.TRAIN)
    return list(rows.values_list("item_id", flat=True).distinct())


def _protected(project: Project) -> list[str]:
    return list(project.retraining_settings().protected)


def _is_label(name: str) -> bool:
    return name.partition("=")[0] == LABEL_SLICE


def _masks(project: Project, segments: Sequence[dict[str, object]]) -> dict[str, NDArray[np.bool_]]:
    names = [name for name in _protected(project) if not _is_label(name)]
    return {name: np.array([in_segment(own, name) for own in segments], dtype=bool) for name in names}


def paired_traffic(window: WindowBody) -> PairedTraffic:
    """The window as the gate takes it: the drawn rows first, then the other disagreements, then what both say alike.

    Of rows that were not drawn only their numbers are known, which is all that the gate asks of them.
    """
    first = len(window.drawn)
    champion = np.array([one.champion for one in window.drawn] + ["a"] * (window.rows - first), dtype=object)
    candidate = np.array([one.candidate for one in window.drawn] + ["a"] * (window.rows - first), dtype=object)
    candidate[first : window.disagreements] = "b"
    masks = {}
    for name, (rows, differ) in window.slices.items():
        mask = np.zeros(window.rows, dtype=bool)
        mask[:first] = [name in one.slices for one in window.drawn]
        mask[first : first + differ - int(mask[:first].sum())] = True
        mask[window.disagreements : window.disagreements + rows - differ] = True
        masks[name] = mask
    return traffic(champion, candidate, protected=masks)


def labelled_draws(window: WindowBody, *, asked: int) -> LabelledDraws:
    """Labels count in the order of the draw: easy items are answered sooner, and would be judged by first."""
    ids = [drawn.item for drawn in window.drawn]
    truth: dict[int, str] = {}
    no_label: set[int] = set()
    for chunk in chunks(ids):
        resolved = Resolution.objects.current().filter(item__in=chunk)
        truth |= {pk: str(value) for pk, value in resolved.values_list("item_id", "value")}
        closed = NoLabelDecision.objects.filter(item__in=chunk, withdrawn_at=None)
        no_label |= set(closed.values_list("item_id", flat=True))
    settled = [pk in truth or pk in no_label for pk in ids]
    gap = settled.index(False) if False in settled else len(settled)
    places = [place for place in range(gap) if ids[place] in truth]
    return LabelledDraws(
        places, [truth[ids[place]] for place in places], gap, sum(settled[gap:asked]), settled[:asked].count(False)
    )
