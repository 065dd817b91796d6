"""How good a file's scores are against its labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.metrics.core.design import design, from_weights
from analysis.metrics.core.stored import described_estimate, finite, interval_at, plain_interval
from analysis.metrics.performance import calibration, classification, threshold_curve
from analysis.metrics.performance.calibration import Calibration
from analysis.metrics.performance.classification import ClassPerformance
from analysis.metrics.performance.threshold_curve import ScoreBand, ThresholdCurve
from analysis.offline.output import JsonObject, aligned, shown, spread
from inputs.files import columns
from inputs.files.columns import Bools, Floats, Ints, natural
from inputs.files.copies import copies_of_rows
from inputs.files.table import BadFile, Table, list_names
from validation.probabilities import InvalidProbabilities, check_probabilities, renormalised_note

CLASS_METRICS = ("precision", "recall", "f1", "roc_auc", "pr_auc")
POINTS = 200
METRICS = ("accuracy", "macro_f1", "log_loss", "brier", "roc_auc", "pr_auc")
LISTED = 25


@dataclass(frozen=True)
class PerformanceOptions:
    """`scores`: what the score columns' names begin with, or the one column that scores `positive`."""

    label: str
    scores: str
    weight: str | None = None
    positive: str | None = None
    seed: int = 0


@dataclass(frozen=True)
class _Judged:
    """The labelled rows: codes (n,), probabilities (n, k), inclusion probabilities (n,) up to the factor `lightest`.

    groups (n,): rows that are equal or nearly equal in the other columns share one.
    """

    truth: Ints
    probabilities: Floats
    inclusion: Floats
    lightest: float
    classes: tuple[str, ...]
    positive: int | None
    left_out: int
    note: str
    groups: Ints

    @property
    def copies(self) -> int:
        """Rows whose inputs another row has as well."""
        return int(self.groups.size - np.unique(self.groups).size)

    @property
    def predicted(self) -> Ints:
        predicted: Ints = self.probabilities.argmax(axis=1)
        return predicted


def analyse(table: Table, asked: PerformanceOptions) -> JsonObject:
    """The OUT of `analyse performance`. Raises BadFile and InvalidInput."""
    rows = _judged(table, asked)
    found = classification.classification(
        rows.truth,
        rows.predicted,
        design(rows.inclusion, groups=rows.groups),
        classes=rows.classes,
        probabilities=rows.probabilities,
        positive=rows.positive,
    )
    return {
        "n": found.n,
        "copies": rows.copies,
        "left_out": rows.left_out,
        "effective_n": finite(found.effective_n),
        "classes": list(rows.classes),
        "positive": None if rows.positive is None else rows.classes[rows.positive],
        "decision": "The class with the highest score.",
        **({"note": rows.note} if rows.note else {}),
        **{name: described_estimate(getattr(found, name)) for name in METRICS},
        "per_class": [_of_class(one) for one in found.per_class],
        "confusion": {
            "counts": found.counts.tolist(),
            "weighted": (found.confusion * rows.lightest).tolist(),
            "rows": "truth",
            "columns": "predicted",
        },
        **_thresholds(rows),
        "calibration": _calibration(rows, asked.seed),
    }


def _judged(table: Table, asked: PerformanceOptions) -> _Judged:
    labels = columns.words(table, asked.label)
    if not labels.known.any():
        raise BadFile(f"{table.name} has no label in column {asked.label!r}.")
    classes, scores, note = _scores(table, asked, labels.names)
    if asked.positive is not None and asked.positive not in classes:
        raise BadFile(f"There is no class {asked.positive!r} to be positive; there are {', '.join(classes)}.")
    known = labels.known
    scores, divided = _checked(table, scores, known)
    note = " ".join(filter(None, [note, divided]))
    inclusion, lightest = _inclusion(table, asked, known)
    place = 1 if len(classes) == 2 and asked.positive is None else None
    positive = place if asked.positive is None else classes.index(asked.positive)
    truth = columns.coded(table, asked.label, classes)[known]
    left_out, groups = int((~known).sum()), _groups(table, asked, known)
    return _Judged(truth, scores, inclusion, lightest, classes, positive, left_out, note, groups)


def _groups(table: Table, asked: PerformanceOptions, known: Bools) -> Ints:
    """Copies among the labelled rows, by the columns that are neither label, weight nor score."""
    own = {asked.label, asked.weight}
    return copies_of_rows(table.rows(known), without=lambda name: name in own or name.startswith(asked.scores))


def _scores(table: Table, asked: PerformanceOptions, labels: Sequence[str]) -> tuple[tuple[str, ...], Floats, str]:
    """Classes, their scores (n, k), and remarks."""
    begun = {name[len(asked.scores) :]: name for name in table.columns if name.startswith(asked.scores)}
    if asked.scores in table and len(labels) <= 2:  # the name of one column, whatever else begins with it
        begun = {"": asked.scores}
    begun = {columns.word(label) or "": name for label, name in begun.items() if name != asked.label}
    if set(labels) <= set(begun) and len(begun) > 1:
        every = natural([label for label in begun if label in labels or _numeric(table, begun[label])])
        scores = np.column_stack([columns.numbers(table, begun[name]) for name in every])
        if len(every) == len(labels) or _sums_to_one(scores):
            return every, scores, ""
        others = [begun[name] for name in every if name not in labels]
        kept = np.array([name in labels for name in every])
        return (
            tuple(name for name in every if name in labels),
            scores[:, kept],
            (f"No scores of a label, and left out: {list_names(others)}."),
        )
    if len(begun) == 1 and len(labels) <= 2:
        return _completed(table, asked, labels, *next(iter(begun.items())))
    if not begun:
        raise BadFile(
            f"{table.name} has no column that begins with {asked.scores!r}; it has {list_names(table.columns)}."
        )
    unscored = [label for label in labels if label not in begun]
    raise BadFile(
        f"The label {unscored[0]!r} has no column {asked.scores + unscored[0]!r}; "
        f"the score columns are {list_names(list(begun.values()))}."
    )


def _sums_to_one(scores: Floats) -> bool:
    """Whether most rows do."""
    return bool(np.median(np.abs(np.nansum(scores, axis=1) - 1)) < 0.02)


def _numeric(table: Table, column: str) -> bool:
    try:
        return bool(np.isfinite(columns.numbers(table, column)).any())
    except BadFile:
        return False


def _completed(
    table: Table, asked: PerformanceOptions, labels: Sequence[str], scored: str, column: str
) -> tuple[tuple[str, ...], Floats, str]:
    """One column scores one class: the other class has the rest."""
    scored = scored or asked.positive or ("1" if set(labels) <= {"0", "1"} else "")
    if not scored:
        raise BadFile(f"Only {column!r} holds scores; say with --positive which label they are of.")
    if len(labels) == 2 and scored not in labels:
        raise BadFile(f"{column!r} scores {scored!r}, but the labels are {', '.join(labels)}.")
    other = next((label for label in labels if label != scored), f"not {scored}")
    given = columns.numbers(table, column)
    classes = natural([scored, other])
    scores = np.column_stack([given if name == scored else 1 - given for name in classes])
    return classes, scores, f"Only {column} holds scores; {other} has the rest to 1."


def _checked(table: Table, scores: Floats, known: Bools) -> tuple[Floats, str]:
    """The scores of the labelled rows, each summing to 1, and a remark. A refusal names the row of the file."""
    certain = np.eye(1, scores.shape[1])
    try:
        checked = check_probabilities(np.where(known[:, None], scores, certain), name="scores")
    except InvalidProbabilities as why:
        raise BadFile(f"{table.name}: {why}", why.row) from None
    return checked[known], renormalised_note(scores[known])


def _inclusion(table: Table, asked: PerformanceOptions, known: Bools) -> tuple[Floats, float]:
    """Inclusion probabilities of the labelled rows up to a factor, and the weight of the lightest."""
    if asked.weight is None:
        return np.ones(int(known.sum())), 1.0
    weight = columns.numbers(table, asked.weight)
    bad = known & ~((weight > 0) & np.isfinite(weight))
    if bad.any():
        row = int(np.argmax(bad))
        note = "no weight" if np.isnan(weight[row]) else f"the weight {weight[row]:g}"
        raise BadFile(
            f"{table.name} has {note} in row {row}; a labelled row weighs more than 0, how many it stands for."
        )
    return from_weights(weight[known]), float(weight[known].min())


def _of_class(one: ClassPerformance) -> JsonObject:
    measured = {name: described_estimate(getattr(one, name)) for name in CLASS_METRICS}
    return {"label": one.label, "labelled": one.labelled, "predicted": one.predicted, **measured}


def _thresholds(rows: _Judged) -> JsonObject:
    if rows.positive is None:
        return {"thresholds": None, "thresholds_note": "More than two classes: name one with --positive."}
    truth = rows.truth == rows.positive
    scores = rows.probabilities[:, rows.positive]
    curve = threshold_curve.threshold_curve(truth, scores, design(rows.inclusion, groups=rows.groups), at_most=POINTS)
    note = {"thresholds_note": curve.note} if curve.note else {}
    return {"thresholds": [_point(curve, at) for at in range(curve.thresholds.size)], **note}


def _point(curve: ThresholdCurve, at: int) -> JsonObject:
    """What calling positive every score at or above this threshold does."""
    bands: dict[str, ScoreBand] = {
        "precision": curve.precision,
        "recall": curve.recall,
        "false_positive_rate": curve.false_positive_rate,
    }
    values = {name: plain_interval(interval_at(band, at)) for name, band in bands.items()}
    return {"threshold": finite(curve.thresholds[at]), "flagged": int(curve.flagged[at]), **values}


def _calibration(rows: _Judged, seed: int) -> JsonObject:
    """Of the positive class's score; with more classes and none positive, of the decision's own confidence."""
    if rows.positive is not None:
        of, truth, predicted = f"the score of {rows.classes[rows.positive]}", rows.truth == rows.positive, rows.positive
        probability = rows.probabilities[:, predicted]
    else:
        of, truth, probability = "the highest score", rows.truth == rows.predicted, rows.probabilities.max(axis=1)
    clipped = np.clip(probability, 0, 1)
    found = calibration.calibration(truth, clipped, design(rows.inclusion, groups=rows.groups), seed=seed)
    return {"of": of, **_calibrated(found)}


def _calibrated(found: Calibration) -> JsonObject:
    brier, test = found.brier, found.test
    parts = {name: finite(getattr(brier, name)) for name in ("miscalibration", "discrimination", "uncertainty")}
    return {
        "expected_calibration_error": described_estimate(found.ece),
        "expected_calibration_error_uncorrected": finite(found.ece_plain),
        "brier": {"value": finite(brier.brier), **parts, **({"note": brier.note} if brier.note else {})},
        "spiegelhalter": {"z": finite(test.z), "p": finite(test.p), **({"note": test.note} if test.note else {})},
        "bins": [
            {
                "low": one.low,
                "high": one.high,
                "n": one.n,
                "share": finite(one.share),
                "predicted": finite(one.predicted),
                "observed": described_estimate(one.observed),
                "off": one.off,
            }
            for one in found.bins
        ],
    }


def to_text(answer: JsonObject) -> str:
    """The answer as text: the metrics, then each class."""
    lines = [
        f"{answer['n']:,} labelled rows, worth {shown(answer['effective_n'])} of a plain sample; "
        f"{answer['left_out']:,} rows without a label left out.",
        *([f"{answer['copies']:,} of them are copies of others and count once."] if answer["copies"] else []),
        *([answer["note"]] if answer.get("note") else []),
        *(f"{name.replace('_', ' ')} {spread(answer[name])}" for name in METRICS),
        f"calibration error of {answer['calibration']['of']} "
        f"{spread(answer['calibration']['expected_calibration_error'])}",
    ]
    rows = [
        [
            one["label"],
            one["labelled"],
            one["predicted"],
            *(one[name]["value"] for name in ("precision", "recall", "f1")),
        ]
        for one in answer["per_class"][:LISTED]
    ]
    return "\n".join([*lines, "", aligned(["class", "labelled", "predicted", "precision", "recall", "f1"], rows)])
