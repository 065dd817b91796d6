"""Reports: samples into metrics into rows that pages read. Computing one again from the same rows writes nothing."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import numpy as np

from analysis import changes, findings, samples
from analysis.decision_costs import decision_costs, fingerprint
from analysis.metrics.performance import classification, threshold_curve
from analysis.models import Report, ReportKind
from analysis.samples import EvaluationSample
from analysis.windows import WINDOWS
from annotation import versions
from jobs import queue
from projects.models import Project
from validation import InvalidInput

BINS = 10
LEAST_IN_BIN = 10
CURVE_POINTS = 61
MOST_CURVES = 50
WATCHED = 8  # versions whose reports are kept up to date; those of others are computed when a page asks
KEPT = 50  # reports of one kind, version and window


def refresh(project: Project, *, at: datetime) -> list[Report]:
    """Compute what pages read: label quality, and performance of what serves and of the versions used last."""
    made = [label_quality(project, at=at)]
    known = [one.tag for one in versions.load(project).all if one.serves or one.items][:WATCHED]
    for days in WINDOWS.values() if known else ():
        served = samples.live(project, samples.AS_SERVED, at=at, days=days)
        made += [performance_of(project, version, days=days, at=at, served=served) for version in known]
    return [report for report in made if report]


def refresh_version(project: Project, version: str, *, at: datetime) -> list[Report]:
    """Performance of one version in each window; what has not changed makes no report."""
    made = [performance_of(project, version, days=days, at=at) for days in WINDOWS.values()]
    return [report for report in made if report]


def request(project: Project, version: str, *, at: datetime) -> None:
    """Have the reports of a version computed that nobody has asked for yet; asking twice is one job."""
    key = f"report:{project.pk}:{version}"
    queue.enqueue("analysis.report", key=key, project=project, payload={"version": version}, at=at)


def performance_of(
    project: Project, version: str, *, days: int, at: datetime, served: EvaluationSample | None = None
) -> Report | None:
    """How good the version is, weighted by inclusion probability. None where nothing changed since the last report.

    Its series over time is of what was served then (`served`, where the caller has that sample already): what a version
    would have said of the past is no history.
    """
    frame = samples.live(project, version, at=at, days=days)
    then = served or samples.live(project, samples.AS_SERVED, at=at, days=days)
    both = hashlib.sha256(f"{frame.hash} {then.hash} {fingerprint(project)}".encode()).hexdigest()
    return _keep(project, ReportKind.PERFORMANCE, version, days, both, lambda: _performance(frame, then, project), at)


def label_quality(project: Project, *, at: datetime) -> Report | None:
    """Which labels are likely wrong. None where nothing changed since the last report."""
    frame = samples.labels(project)
    decided = findings.decisions(project)
    hash_ = f"{frame.hash[:48]}{hash(tuple(sorted(decided.items()))) & 0xFFFF_FFFF_FFFF_FFFF:016x}"
    return _keep(
        project, ReportKind.LABEL_QUALITY, "", 0, hash_, lambda: _label_quality(project, frame, decided, at), at
    )


def newest(project: Project, kind: str, *, version: str = "", days: int = 0) -> Report | None:
    """The report that a page shows."""
    rows = Report.objects.filter(project=project, kind=kind, model_version=version, window_days=days)
    return rows.order_by("-computed_at", "-pk").first()


def _keep(
    project: Project, kind: ReportKind, version: str, days: int, hash_: str, compute: Any, at: datetime
) -> Report | None:
    last = newest(project, kind, version=version, days=days)
    if last and last.inputs_hash == hash_:
        return None
    report = Report.objects.create(
        project=project,
        kind=kind,
        model_version=version,
        window_days=days,
        inputs_hash=hash_,
        body=compute(),
        computed_at=at,
    )
    same = Report.objects.filter(project=project, kind=kind, model_version=version, window_days=days)
    old = list(same.order_by("-computed_at", "-pk").values_list("pk", flat=True)[KEPT:])
    Report.objects.filter(pk__in=old).delete()
    return report


def estimate(given: Any) -> dict[str, Any]:
    """An Estimate as a page reads it."""
    return {
        "value": _plain(given.value),
        "low": _plain(given.low),
        "high": _plain(given.high),
        "n": given.n,
        "note": getattr(given, "note", ""),
    }


def _plain(value: Any) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)


def _performance(frame: EvaluationSample, then: EvaluationSample, project: Project) -> dict[str, Any]:
    if not len(frame):
        return {"n": 0, "audit": 0, "population": frame.population, "waiting": frame.waiting, "classes": []}
    measured = classification.classification(
        frame.truth,
        frame.predicted,
        classes=frame.classes,
        inclusion_probability=frame.inclusion_probability,
        groups=frame.groups,
        probabilities=frame.probabilities,
    )
    return {
        "n": measured.n,
        "audit": int(frame.audit.sum()),
        "population": frame.population,
        "waiting": frame.waiting,
        "effective_n": measured.effective_n,
        "labels": list(frame.classes),
        **{name: estimate(getattr(measured, name)) for name in METRICS},
        "classes": [
            {
                "label": one.label,
                "labelled": one.labelled,
                "predicted": one.predicted,
                "precision": estimate(one.precision),
                "recall": estimate(one.recall),
                "f1": estimate(one.f1),
            }
            for one in measured.per_class
        ],
        "counts": measured.counts.tolist(),
        "confusion": measured.confusion.tolist(),
        "curves": _curves(frame),
        "costs": decision_costs(frame, project),
        "series": _series(then),
        "change": changes.find_change(project, frame),
    }


METRICS = ("accuracy", "macro_f1", "log_loss", "brier", "roc_auc", "pr_auc")


def _curves(frame: EvaluationSample) -> dict[str, Any]:
    """One class against the rest: precision and recall at each threshold of its score."""
    if frame.probabilities is None or len(frame.classes) > MOST_CURVES:
        return {}
    found = {}
    for code, name in enumerate(frame.classes):
        truth = frame.truth == code
        if not truth.any() or truth.all():
            continue
        curve = threshold_curve.threshold_curve(
            truth,
            frame.probabilities[:, code],
            frame.inclusion_probability,
            at_most=CURVE_POINTS,
            groups=frame.groups,
        )
        found[name] = {
            "threshold": _list(curve.thresholds),
            "precision": _band(curve.precision),
            "recall": _band(curve.recall),
            "base_rate": float(np.average(truth, weights=1 / frame.inclusion_probability)),
        }
    return found


def _band(band: Any) -> dict[str, Any]:
    return {"value": _list(band.value), "low": _list(band.low), "high": _list(band.high)}


def _list(values: Iterable[float]) -> list[float | None]:
    return [_plain(value) for value in values]


def _series(frame: EvaluationSample) -> list[dict[str, Any]]:
    """Accuracy, and each class's precision and recall, over equal stretches of time with enough labels in each."""
    if not len(frame):
        return []
    stamps = np.array([moment.timestamp() for moment in frame.at])
    bins = max(1, min(BINS, len(frame) // (2 * LEAST_IN_BIN)))
    edges = np.linspace(stamps[0], stamps[-1], bins + 1)
    place = np.clip(np.searchsorted(edges, stamps, side="right") - 1, 0, bins - 1)
    points = []
    for bin_ in range(bins):
        inside = place == bin_
        if inside.sum() < LEAST_IN_BIN:
            continue
        measured = classification.classification(
            frame.truth[inside],
            frame.predicted[inside],
            classes=frame.classes,
            inclusion_probability=frame.inclusion_probability[inside],
            groups=frame.groups[inside],
        )
        points.append(
            {
                "from": float(edges[bin_]),
                "to": float(edges[bin_ + 1]),
                "first": float(stamps[inside][0]),
                "last": float(stamps[inside][-1]),
                "accuracy": estimate(measured.accuracy),
                "classes": {
                    one.label: {"precision": estimate(one.precision), "recall": estimate(one.recall)}
                    for one in measured.per_class
                },
            }
        )
    return points


def _label_quality(
    project: Project, frame: samples.LabelledSample, decided: dict[int, bool], at: datetime
) -> dict[str, Any]:
    try:
        return findings.find_suspects(project, frame, decided, at=at)
    except InvalidInput as why:
        return {"n": len(frame.item_ids), "undefined": str(why)}
