"""Routing: which captured items need a person, why, and with what probability each was drawn.

The design, which the weighted metrics rest on. At its first routing an item is considered once:
- the active part (uncertain, drifted, overridden) is taken for certain: inclusion probability 1;
- an audit part is drawn uniformly from all items considered for the first time, active ones included:
  `audit_probability` is the draws divided by the items considered, and inclusion probability too unless the item is
  in the active part as well.
An item that was considered before and is taken later does not represent anything (`represents` is false): the audit
draws of its first round stand for it already. Audit items are evaluation items: no reason is shown, none is trained on.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from numpy.typing import NDArray

from annotation import media, queues
from annotation.models import Cause, Item, Prediction, Resolution, RoutedItem, Signal, Source
from annotation.sampling import Pool, vectorise
from annotation.sampling.design.shift_check import ShiftCheck, check_shift
from annotation.sampling.pool import check_pool
from annotation.sampling.strategies.registry import run_strategy
from annotation.signals import kinds
from projects.models import Project

DRIFT_SHARE = 0.25
MOST_POOL = 20_000
NEWEST = 200
REFERENCE = 1000
COLD_ARMS = ("typical", "signal", "uniform")
Picks = dict[int, tuple[Cause, str, dict[str, Any], str]]  # candidate row to cause, reason, numbers, strategy


@dataclass(frozen=True)
class Routed:
    """What one round did: how many items went where, in words for the job's result."""

    considered: int
    by_cause: dict[str, int]
    strategy: str
    words: str


@dataclass(frozen=True)
class Candidates:
    """The unlabelled, unrouted items of a project, with what is known of them. n rows, oldest first."""

    ids: NDArray[np.int64]
    new: NDArray[np.bool_]
    probabilities: NDArray[np.float64]
    scored: NDArray[np.bool_]
    scored_by: list[str]
    vectors: NDArray[np.float32]
    labelled_vectors: NDArray[np.float32]
    labelled_targets: NDArray[np.int64]


@dataclass(frozen=True)
class Plan:
    """The rows of the candidates to ask, by cause; `audit` may overlap the others."""

    picks: Picks
    audit: NDArray[np.intp]
    audit_probability: float
    strategy: str
    words: str


def route(project: Project, *, at: datetime, seed: int, fence: Any = None) -> Routed:
    """One round: what people objected to, then the uncertain, the drifted and the audit share, up to the room left.

    `fence` is a context manager that the writes happen in (a job's commit).
    """
    settings = project.routing_settings()
    waiting = load(project)
    objected = _objections(project)
    size = max(0, min(room(project) - len(objected), settings.batch))
    plan = decide(waiting, project, size=size, audit_share=settings.audit_share, seed=seed)
    with fence or transaction.atomic():
        by_cause = _write(project, waiting, plan, objected, at=at)
    return Routed(int(waiting.new.sum()) if size else 0, by_cause, plan.strategy, plan.words)


def room(project: Project) -> int:
    """How many more items may wait for people; the rest is routed when some are done."""
    waiting = RoutedItem.objects.filter(project=project, state=RoutedItem.State.OPEN).count()
    return project.routing_settings().waiting - waiting


def candidates(project: Project) -> QuerySet[Item]:
    """Items that nobody has labelled and no queue has seen."""
    resolved = Resolution.objects.current().filter(item=OuterRef("pk"))
    routed = RoutedItem.objects.filter(item=OuterRef("pk"))
    return Item.objects.filter(~Exists(resolved), ~Exists(routed), project=project)


def load(project: Project) -> Candidates:
    """Read the candidates, at most `MOST_POOL` of them, with the newest scores that a version gave them."""
    waiting = candidates(project).order_by("at", "pk")
    rows = list(waiting.values_list("pk", "inputs", "considered_at")[:MOST_POOL])
    labelled = list(
        Resolution.objects.current()
        .filter(project=project)
        .order_by("-resolved_at", "-pk")
        .values_list("item__inputs", "value")[: MOST_POOL // 10]
    )
    values = project.schema().values()
    vectors = _vectors(project, [row[1] for row in rows] + [row[0] for row in labelled])
    ids = np.array([row[0] for row in rows], dtype=np.int64)
    probabilities, scored_by = scores(project, ids.tolist(), len(values))
    return Candidates(
        ids=ids,
        new=np.array([row[2] is None for row in rows], dtype=bool),
        probabilities=probabilities,
        scored=np.array([bool(version) for version in scored_by], dtype=bool),
        scored_by=scored_by,
        vectors=vectors[: len(rows)],
        labelled_vectors=vectors[len(rows) :],
        labelled_targets=np.array([values.index(row[1]) if row[1] in values else -1 for row in labelled], dtype=int),
    )


def _vectors(project: Project, rows: list[dict[str, Any]]) -> NDArray[np.float32]:
    if not rows:
        return np.zeros((0, 1), dtype=np.float32)
    types = project.contract().types()
    return vectorise(media.columns(project, rows, types), types, seed=0)


def scores(project: Project, ids: list[int], k: int) -> tuple[NDArray[np.float64], list[str]]:
    """(n, k) probabilities and the version that gave each row, "" where none did.

    The champion's own scores come first, then the newest of any version.
    """
    probabilities, versions = np.full((len(ids), k), 1.0 / k), [""] * len(ids)
    place = {pk: row for row, pk in enumerate(ids)}
    wanted = Prediction.objects.filter(project=project, scores__isnull=False).exclude(source=Source.OUT_OF_FOLD)
    for start in range(0, len(ids), 500):
        chunk = wanted.filter(item__in=ids[start : start + 500]).order_by("at", "pk")
        for item_id, stored, version in chunk.values_list("item_id", "scores", "model_version"):
            row, array = place[item_id], np.frombuffer(bytes(stored or b""), dtype="<f4").astype(float)
            by_champion = version == project.champion_version
            if len(array) == k and (by_champion or versions[row] != project.champion_version or not versions[row]):
                probabilities[row], versions[row] = array / array.sum(), version or "unnamed version"
    return probabilities, versions


def decide(candidates: Candidates, project: Project, *, size: int, audit_share: float, seed: int) -> Plan:
    """Plan one round over the candidates; reads nothing and writes nothing."""
    n, nothing = len(candidates.ids), np.zeros(0, dtype=np.intp)
    if not n or size < 1:
        words = "No item waits for routing." if not n else "Enough items wait for people already."
        return Plan({}, nothing, 1.0, "none", words)
    rng = np.random.default_rng(seed)
    new = np.flatnonzero(candidates.new)
    draws = min(len(new), max(1, round(size * audit_share))) if len(new) else 0
    audit = rng.choice(new, size=draws, replace=False) if draws else nothing
    active = min(size - draws, n)
    change = _change(candidates, seed)
    picks = _drifted(candidates, change, round(active * DRIFT_SHARE))
    uncertain, strategy, why = _uncertain(candidates, project, active - len(picks), picks, rng)
    words = " ".join(part for part in (why, change.words) if part)
    return Plan(picks | uncertain, audit, draws / len(new) if draws else 1.0, strategy, words)


def _pool_rows(candidates: Candidates, taken: Picks) -> NDArray[np.intp]:
    """Scored rows where there are any, else all: a cold item waits for a version that can score it."""
    free = np.ones(len(candidates.ids), dtype=bool)
    free[list(taken)] = False
    scored = free & candidates.scored
    return np.flatnonzero(scored if scored.any() else free)


def _uncertain(
    candidates: Candidates, project: Project, count: int, taken: Picks, rng: np.random.Generator
) -> tuple[Picks, str, str]:
    """What the active part asks, with the strategy that ran and why."""
    rows = _pool_rows(candidates, taken)
    if count < 1 or not len(rows):
        return {}, "none", ""
    known = candidates.labelled_targets >= 0
    scored = bool(candidates.scored[rows].all())
    pool = Pool(
        vectors=candidates.vectors[rows],
        probabilities=candidates.probabilities[rows] if scored else None,
        classes=tuple(project.schema().values()),
        labelled_vectors=candidates.labelled_vectors[known] if known.any() else None,
        labelled_targets=candidates.labelled_targets[known] if known.any() else None,
        proven=True,  # a version that serves has proven itself elsewhere: its doubts count however few labels we hold
    )
    chosen = run_strategy(check_pool(pool), min(count, len(rows)), "auto", rng)
    picked = zip(chosen.choice.index, chosen.choice.arm, chosen.choice.reason, chosen.choice.numbers, strict=True)
    picks = {
        int(rows[index]): (Cause.TYPICAL if arm in COLD_ARMS else Cause.UNCERTAIN, reason, numbers, chosen.strategy)
        for index, arm, reason, numbers in picked
    }
    return picks, chosen.strategy, "" if scored else chosen.why


def _change(candidates: Candidates, seed: int) -> ShiftCheck:
    """Compare the newest candidates with those before them and with what was labelled."""
    newest = candidates.vectors[-NEWEST:]
    before = np.vstack([candidates.labelled_vectors, candidates.vectors[:-NEWEST]])
    return check_shift(before[-REFERENCE * 2 :], newest, seed=seed)


def _drifted(candidates: Candidates, change: ShiftCheck, count: int) -> Picks:
    """The newest-looking of the newest items, where the window differs at all."""
    if not change.drifted or count < 1:
        return {}
    first = len(candidates.ids) - len(change.newness)
    order = np.argsort(-change.newness, kind="stable")[:count]
    return {
        first + int(row): (
            Cause.DRIFTED,
            f"newer than {100 * change.newness[row]:.0f} % of what came before",
            {"newness": round(float(change.newness[row]), 4), "distance": round(change.effect, 4), "p": change.p},
            "newness",
        )
        for row in order
    }


def _objections(project: Project) -> list[tuple[int, str, bool]]:
    """(item, reason, considered before) of items that somebody objected to and that no queue has seen."""
    routed = RoutedItem.objects.filter(item=OuterRef("item"))
    rows = Signal.objects.filter(~Exists(routed), project=project, item__isnull=False, kind__in=kinds.objections())
    found: dict[int, tuple[int, str, bool]] = {}
    for signal in rows.select_related("item").order_by("at", "pk")[:1000]:
        assert signal.item is not None  # asked for above
        said = f"corrected to {signal.value}" if signal.value is not None else "thumbs down"
        found[signal.item.pk] = (signal.item.pk, said, signal.item.considered_at is not None)
    return list(found.values())


def _write(
    project: Project, candidates: Candidates, plan: Plan, objected: list[tuple[int, str, bool]], *, at: datetime
) -> dict[str, int]:
    """Put the plan into queues and mark what was considered. Runs in the caller's transaction."""
    groups: dict[Cause, list[queues.Entry]] = {}
    audit = {int(row) for row in plan.audit}
    order = list(plan.picks)
    total = max(len(order), 1)
    for position, row in enumerate(order):
        if row not in audit:
            cause, reason, numbers, strategy = plan.picks[row]
            groups.setdefault(cause, []).append(
                queues.Entry(
                    item_id=int(candidates.ids[row]),
                    reason=reason,
                    numbers=numbers,
                    inclusion_probability=1.0,
                    priority=1 - position / total,
                    represents=bool(candidates.new[row]),
                    scored_by=candidates.scored_by[row],
                    strategy=strategy,
                )
            )
    for position, row in enumerate(sorted(audit)):
        groups.setdefault(Cause.AUDIT, []).append(_audit_entry(candidates, plan, row, 1 - position / len(audit)))
    for item_id, said, considered in objected:
        entry = queues.Entry(
            item_id=item_id,
            reason=said,
            numbers={},
            inclusion_probability=1.0,
            priority=1.0,
            represents=not considered,
            strategy="objection",
        )
        groups.setdefault(Cause.OVERRIDDEN, []).append(entry)
    created = {
        cause.value: queues.put(queues.ensure(project, cause, at=at), entries, at=at).created
        for cause, entries in groups.items()
    }
    if plan.picks or audit:
        seen = candidates.ids[candidates.new].tolist()
        for start in range(0, len(seen), 500):
            Item.objects.filter(pk__in=seen[start : start + 500], considered_at=None).update(considered_at=at)
    Item.objects.filter(pk__in=[row[0] for row in objected], considered_at=None).update(considered_at=at)
    return created


def _audit_entry(candidates: Candidates, plan: Plan, row: int, priority: float) -> queues.Entry:
    both = row in plan.picks
    return queues.Entry(
        item_id=int(candidates.ids[row]),
        reason=f"drawn uniformly, probability {plan.audit_probability:.3f}",
        numbers={"also_active": both},
        inclusion_probability=1.0 if both else plan.audit_probability,
        audit_probability=plan.audit_probability,
        priority=priority,
        evaluation=True,
        scored_by=candidates.scored_by[row],
        strategy="uniform",
    )
