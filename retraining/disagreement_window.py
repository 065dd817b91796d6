"""The window of traffic that two versions answered: which rows count, the draw of their disagreements, its labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from analysis.metrics.performance.threshold_curve import Costs
from annotation import kinds, media, versions
from annotation.models import Item, NoLabelDecision, Prediction, Resolution
from annotation.score_order import ScoreOrder
from inputs.groups import group_rows
from projects.chunks import chunks
from projects.models import Project
from projects.project_settings import LABEL_SLICE
from retraining import datasets, registry
from retraining.learning.gate.decision import GateRule
from retraining.learning.gate.disagreement import DisagreementVerdict, judge_disagreements
from retraining.learning.gate.traffic import PairedTraffic, draw_order, traffic
from retraining.models import DatasetRow, ModelVersion
from retraining.sides import in_segment
from retraining.window_bodies import DrawnBody, MistakeCosts, WindowBody

MOST_ROWS = 20_000  # of the newest traffic
MOST_DRAWN = 2_000


@dataclass(frozen=True)
class LabelledDraws:
    """The first `settled` drawn items have a label, or none fits: places and labels of those with one.

    Of the items asked about, those at `later_places` are settled after a gap, those at `waiting_places` are not.
    """

    places: list[int]
    truth: list[str]
    settled: int
    later_places: list[int]
    waiting_places: list[int]

    @property
    def later(self) -> int:
        return len(self.later_places)

    @property
    def waiting(self) -> int:
        return len(self.waiting_places)


@dataclass(frozen=True)
class Answered:
    """Item id to what a version said of the newest items; `limited` where there are more answers."""

    labels: dict[int, str]
    limited: bool


def answers_since(project: Project, tag: str, *, since: datetime) -> Answered:
    """The newest answers; classes that the project has now."""
    rows = _answers(project, tag).filter(item__at__gt=since).order_by("-item__at", "-item", "pk")
    found = list(rows.values_list("item_id", "label")[: MOST_ROWS + 1])
    order = ScoreOrder(project)
    counted = {item_id: order.counted(label) for item_id, label in found[:MOST_ROWS]}
    return Answered(counted, limited=len(found) > MOST_ROWS)


def answers_of(project: Project, tag: str, item_ids: Sequence[int]) -> dict[int, str]:
    """Item id to what this version said of these items."""
    found: dict[int, str] = {}
    for chunk in chunks(item_ids):
        rows = _answers(project, tag).filter(item__in=chunk).order_by("item", "pk")
        found |= dict(rows.values_list("item_id", "label"))
    order = ScoreOrder(project)
    return {item_id: order.counted(label) for item_id, label in found.items()}


def _answers(project: Project, tag: str) -> QuerySet[Prediction]:
    rows = Prediction.objects.filter(versions.answers(tag), project=project, out_of_sample=True)
    return rows.filter(label__in=kinds.class_names(project))


def draw_window(
    version: ModelVersion,
    incumbent: registry.Incumbent,
    answers: dict[int, tuple[str, str]],
    *,
    seed: int,
    limited: bool = False,
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
    drawn = _drawn(
        [ids[int(row)] for row in kept],
        [answers[ids[row]] for row in kept],
        _masks(project, [segments[row] for row in kept]),
        seed=seed,
    )
    learnt_ids, copy_ids = ([ids[int(row)] for row in np.flatnonzero(mask)] for mask in (seen, ~first & ~seen))
    return msgspec.structs.replace(
        drawn,
        learnt=len(learnt_ids),
        copies=len(copy_ids),
        learnt_ids=learnt_ids,
        copy_ids=copy_ids,
        not_asked=[name for name in _protected(project) if _is_label(name)],
        limited=limited,
        costs=_costs(project),
    )


def _costs(project: Project) -> MistakeCosts | None:
    """What mistakes cost now; None where the project names no costs, or only costs of 0."""
    given = project.cost_settings()
    if given is None or not project.positive or not max(given.false_positive, given.false_negative) > 0:
        return None
    return MistakeCosts(
        positive=project.positive, false_positive=given.false_positive, false_negative=given.false_negative
    )


def _drawn(
    ids: Sequence[int], answers: Sequence[tuple[str, str]], masks: dict[str, NDArray[np.bool_]], *, seed: int
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
        learnt=0,
        copies=0,
        not_drawn_ids=[ids[int(row)] for row in order[MOST_DRAWN:]],
        alike_ids=[ids[int(row)] for row in np.flatnonzero(~found.differs)],
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


def paired_traffic(window: WindowBody, code: Mapping[str, int]) -> PairedTraffic:
    """The window as the gate takes it: the drawn rows first, then the other disagreements, then what both say alike.

    Answers are given by `code`. Of rows that were not drawn only their numbers are known, which is all that the gate
    asks of them.
    """
    first = len(window.drawn)
    champion, candidate = np.zeros((2, window.rows), dtype=np.int64)
    champion[:first] = [code[one.champion] for one in window.drawn]
    candidate[:first] = [code[one.candidate] for one in window.drawn]
    candidate[first : window.disagreements] = 1
    masks = {}
    for name, (rows, differ) in window.slices.items():
        mask = np.zeros(window.rows, dtype=bool)
        mask[:first] = [name in one.slices for one in window.drawn]
        mask[first : first + differ - int(mask[:first].sum())] = True
        mask[window.disagreements : window.disagreements + rows - differ] = True
        masks[name] = mask
    return traffic(champion, candidate, protected=masks)


def judge_draws(window: WindowBody, labelled: LabelledDraws, *, rule: GateRule, seed: int) -> DisagreementVerdict:
    """What the labels so far decide: by what mistakes cost where the window has costs, else by the share right."""
    names = {one.champion for one in window.drawn} | {one.candidate for one in window.drawn} | set(labelled.truth)
    costs = window.costs
    names |= {costs.positive} if costs else set()
    code = {name: place for place, name in enumerate(sorted(names))}
    prices = Costs(costs.false_positive, costs.false_negative) if costs else None
    return judge_disagreements(
        paired_traffic(window, code),
        labelled.places,
        [code[name] for name in labelled.truth],
        rule=rule,
        costs=prices.table(code[costs.positive], len(code)) if prices and costs and window.drawn else None,
        seed=seed,
    )


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
        places=places,
        truth=[truth[ids[place]] for place in places],
        settled=gap,
        later_places=[place for place in range(gap, asked) if settled[place]],
        waiting_places=[place for place in range(asked) if not settled[place]],
    )
