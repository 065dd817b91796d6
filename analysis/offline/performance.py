"""How good a file's scores are against its labels."""

from dataclasses import dataclass

import numpy as np

from analysis.metrics.core.design import design, from_weights
from analysis.metrics.core.stored import described_estimate, finite, interval_at, plain_interval
from analysis.metrics.performance import calibration, classification, threshold_curve
from analysis.metrics.performance.calibration import Calibration
from analysis.metrics.performance.classification import OVERALL_METRICS, ClassPerformance
from analysis.metrics.performance.threshold_curve import ScoreBand, ThresholdCurve
from analysis.offline.output import JsonObject, aligned, shown, spread
from analysis.offline.score_columns import checked_scores, class_scores
from inputs.files import columns
from inputs.files.columns import Bools, Floats, Ints, Words, natural
from inputs.files.copies import copies_of_rows
from inputs.files.spellings import check_labels
from inputs.files.table import BadFile, Table, list_names

CLASS_METRICS = ("precision", "recall", "f1", "roc_auc", "pr_auc")
POINTS = 200
LISTED = 25
NO_SCORES = "Only what was predicted is given; areas, thresholds and calibration need scores."


@dataclass(frozen=True)
class PerformanceOptions:
    """`scores`: what the score columns' names begin with, or the one column that scores `positive`.

    `predicted`: instead of scores, the column of what the model said; without scores nothing is known of thresholds
    and calibration.
    """

    label: str
    scores: str | None = None
    predicted: str | None = None
    weight: str | None = None
    positive: str | None = None
    seed: int = 0


@dataclass(frozen=True)
class _Judged:
    """The rows with a label and a prediction: codes (n,), inclusion probabilities (n,) up to the factor `lightest`.

    probabilities (n, k): None where only the predicted label is known.

    groups (n,): rows that are equal or nearly equal in the other columns share one.
    """

    truth: Ints
    predicted: Ints
    probabilities: Floats | None
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
        "decision": "As predicted." if rows.probabilities is None else "The class with the highest score.",
        **({"note": rows.note} if rows.note else {}),
        **{name: described_estimate(getattr(found, name)) for name in OVERALL_METRICS},
        "per_class": [_of_class(one) for one in found.per_class],
        "confusion": {
            "counts": found.counts.tolist(),
            "weighted": (found.confusion * rows.lightest).tolist(),
            "rows": "truth",
            "columns": "predicted",
        },
        **_thresholds(rows),
        **_calibration(rows, asked.seed),
    }


def _judged(table: Table, asked: PerformanceOptions) -> _Judged:
    labels = columns.words(table, asked.label)
    if not labels.known.any():
        raise BadFile(f"{table.name} has no label in column {asked.label!r}.")
    given = _scored(table, asked, labels) if asked.predicted is None else _predicted(table, asked, labels)
    known = given.known
    inclusion, lightest = _inclusion(table, asked, known)
    return _Judged(
        columns.coded(table, asked.label, given.classes)[known],
        given.predicted,
        given.probabilities,
        inclusion,
        lightest,
        given.classes,
        _positive(asked, given.classes),
        int((~known).sum()),
        given.note,
        _groups(table, asked, known),
    )


@dataclass(frozen=True)
class _ModelOutput:
    """What the model said of the rows `known` (n,): codes and, if given, probabilities over `classes`."""

    known: Bools
    classes: tuple[str, ...]
    predicted: Ints
    probabilities: Floats | None
    note: str


def _scored(table: Table, asked: PerformanceOptions, labels: Words) -> _ModelOutput:
    check_labels(labels.called(repr(asked.label)))
    classes, scores, note = class_scores(table, asked.scores or "", asked.label, labels.names, asked.positive)
    scores, divided = checked_scores(table, scores, labels.known)
    return _ModelOutput(labels.known, classes, scores.argmax(axis=1), scores, " ".join(filter(None, [note, divided])))


def _predicted(table: Table, asked: PerformanceOptions, labels: Words) -> _ModelOutput:
    given = columns.words(table, asked.predicted or "")
    check_labels(labels.called(repr(asked.label)), given.called(repr(asked.predicted)))
    known = labels.known & given.known
    if not known.any():
        raise BadFile(f"{table.name} has no row with both a label and a prediction.")
    classes = natural({*labels.names, *given.names})
    never = [name for name in given.names if name not in labels.names]
    note = f"Predicted, but the label of no row: {list_names(never)}." if never else ""
    return _ModelOutput(known, classes, columns.coded(table, asked.predicted or "", classes)[known], None, note)


def _positive(asked: PerformanceOptions, classes: tuple[str, ...]) -> int | None:
    if asked.positive is None:
        return 1 if len(classes) == 2 else None
    if asked.positive not in classes:
        raise BadFile(f"There is no class {asked.positive!r} to be positive; there are {', '.join(classes)}.")
    return classes.index(asked.positive)


def _groups(table: Table, asked: PerformanceOptions, known: Bools) -> Ints:
    """Copies among the labelled rows, by the columns that are neither label, weight nor score."""
    own = {asked.label, asked.weight, asked.predicted}
    if asked.scores:
        own |= {name for name in table.columns if name.startswith(asked.scores)}
    return copies_of_rows(table.rows(known), without=own.__contains__)


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
    if rows.probabilities is None:
        return {"thresholds": None, "thresholds_note": NO_SCORES}
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
    if rows.probabilities is None:
        return {"calibration": None, "calibration_note": NO_SCORES}
    if rows.positive is not None:
        of, truth, predicted = f"the score of {rows.classes[rows.positive]}", rows.truth == rows.positive, rows.positive
        probability = rows.probabilities[:, predicted]
    else:
        of, truth, probability = "the highest score", rows.truth == rows.predicted, rows.probabilities.max(axis=1)
    clipped = np.clip(probability, 0, 1)
    found = calibration.calibration(truth, clipped, design(rows.inclusion, groups=rows.groups), seed=seed)
    return {"calibration": {"of": of, **_calibrated(found)}}


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


def _calibration_line(answer: JsonObject) -> str:
    found = answer["calibration"]
    if found is None:
        return str(answer["calibration_note"])
    return f"calibration error of {found['of']} {spread(found['expected_calibration_error'])}"


def to_text(answer: JsonObject) -> str:
    """The answer as text: the metrics, then each class."""
    lines = [
        f"{answer['n']:,} labelled rows, worth {shown(answer['effective_n'])} of a plain sample; "
        f"{answer['left_out']:,} rows without a label left out.",
        *([f"{answer['copies']:,} of them are copies of others and count once."] if answer["copies"] else []),
        *([answer["note"]] if answer.get("note") else []),
        *(f"{name.replace('_', ' ')} {spread(answer[name])}" for name in OVERALL_METRICS),
        _calibration_line(answer),
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
