"""The loop in the order of time: rows arrive, people label, triggers begin runs, and the gate decides what serves."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from annotation.routing.capacity import Places
from projects.project_settings import RoutingSettings
from retraining import registry, serving, verdict_words
from retraining.backtest import installation
from retraining.backtest.curves import HeldOutScore
from retraining.backtest.loop import Loop, score_newest
from retraining.models import ModelVersion, TriggerCheck
from retraining.triggers import checks

PARTS = 10
"""In how many parts the rows of a round arrive: a version that is promoted between serves the next."""

AUDIT_SHARE = RoutingSettings().audit_share
SETTINGS: dict[str, Any] = {"promote": "by_gate"}
"""As a new project has them, but for this: what passes the gate is promoted by itself."""


@dataclass
class TimedRun:
    """What happened: each run that a trigger began, and the served rows."""

    events: list[dict[str, Any]] = field(default_factory=list)
    windows: list[dict[str, Any]] = field(default_factory=list)


def play_round_in_time(loop: Loop, played: TimedRun, places: Sequence[int], until: int) -> HeldOutScore:
    """The rows of these places arrive, then people label up to `until` labels, then triggers are looked at."""
    played.windows.append(_arrive(loop, places))
    items = max(until - loop.given, 0) // loop.options.overlap
    if items:
        audit = round(AUDIT_SHARE * items)
        loop.collect_labels(Places(active=items - audit, audit=audit))
    for check in checks.run_if_due(loop.project, at=loop.at):
        if check.run:
            played.events.append(_event(loop, check, rows=sum(one["rows"] for one in played.windows)))
    return score_newest(loop)


def _arrive(loop: Loop, places: Sequence[int]) -> dict[str, Any]:
    """Capture these rows, each answered by what serves, and say how often that was wrong."""
    serves = registry.champion(loop.project)
    wrong: list[bool] = []
    began = loop.file.rows[places[0]].at
    for part in np.array_split(np.asarray(places), min(PARTS, len(places))):
        rows = [loop.file.rows[place] for place in part]
        if rows[-1].at:
            loop.move_to(rows[-1].at)
        if serves is None:
            installation.capture_rows(loop.project, loop.file, part.tolist(), at=loop.at)
            continue
        keys, inputs = [row.key for row in rows], [row.inputs for row in rows]
        said = serving.predict(loop.project, inputs=inputs, keys=keys, at=loop.at)
        wrong += [one.label != loop.truth[one.key] for one in said.answers]
        installation.number_items(loop.project)
    return {
        "from": _stamp(began),
        "to": _stamp(loop.at),
        "rows": len(places),
        "version": serves.tag if serves else None,
        "error": round(float(np.mean(wrong)), 4) if wrong else None,
        "labels": loop.given,
    }


def _event(loop: Loop, check: TriggerCheck, *, rows: int) -> dict[str, Any]:
    """A trigger that fired: its run is done here, and the gate decides on its version."""
    assert check.run is not None  # it fired
    at, run = loop.at, loop.perform(check.run)
    version = ModelVersion.objects.filter(run=run).select_related("judgement").first()
    promoted = version is not None and registry.champion(loop.project) == version
    if promoted:
        loop.rescore()
    return {
        "at": _stamp(at),
        "trigger": check.trigger,
        "promoted": promoted,
        "words": check.words,
        "state": str(run.state),
        "version": version.tag if version else None,
        "verdict": verdict_words.headline(version.verdict) if version and version.verdict else run.error,
        "rows": rows,
        "labels": loop.given,
    }


def _stamp(moment: Any) -> str:
    return str(moment.isoformat()).replace("+00:00", "Z")
