"""Labelled samples: the labels that people gave, with out-of-sample scores of their items, as arrays."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from analysis.item_arrays import input_groups, score_matrix
from analysis.models import Finding, FindingKind
from annotation.models import Prediction, Resolution, Source
from annotation.score_order import ScoreOrder
from projects.chunks import chunks
from projects.models import Project


@dataclass(frozen=True)
class LabelledSample:
    """n labels that people gave, with out-of-sample probabilities of their items."""

    classes: tuple[str, ...]
    item_ids: NDArray[np.int64]
    given: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    versions: tuple[str, ...]
    load_groups: Callable[[], NDArray[np.int64]]

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """Group numbers (n,): items with equal or near-equal inputs share one. Read when first asked for."""
        return self.load_groups()

    @property
    def hash(self) -> str:
        content = "|".join([*self.classes, *self.versions]).encode()
        return hashlib.sha256(
            content + self.item_ids.tobytes() + self.given.tobytes() + self.probabilities.tobytes()
        ).hexdigest()


def labelled_sample(project: Project) -> LabelledSample:
    """The current labels that people gave (a reviewer's own decision is not doubted), with out-of-sample scores.

    A suspected label that a person fixed stays in the sample as it was given: it is known to have been wrong.

    Out-of-fold scores of the newest version come first, then the newest out-of-sample answer of any version.
    """
    order = ScoreOrder(project)
    classes = order.names
    resolved = Resolution.objects.current().filter(project=project).exclude(method=Resolution.Method.REVIEWER)
    given = {pk: value for pk, value in resolved.values_list("item_id", "value") if value in classes}
    fixed = Finding.objects.filter(project=project, kind=FindingKind.LABEL_ERROR, decision=Finding.Decision.FIXED)
    given |= {pk: value for pk, value in fixed.values_list("item_id", "given") if value in classes}
    given = {pk: order.counted(value) for pk, value in given.items()}
    best: dict[int, tuple[bytes, str]] = {}
    for chunk in chunks(list(given)):
        rows = Prediction.objects.of_items(chunk).filter(out_of_sample=True, scores__isnull=False, degraded=False)
        ordered = sorted(
            rows.values_list("item_id", "scores", "model_version", "source", "at", "pk", "schema_version"),
            key=lambda row: (row[3] == Source.OUT_OF_FOLD, row[4], row[5]),
        )
        scored = ((row[0], order.scores(row[1], row[6]), row[2]) for row in ordered)
        best |= {pk: (scores, version) for pk, scores, version in scored if scores}
    ids = sorted(best)
    codes = {name: code for code, name in enumerate(classes)}
    matrix = score_matrix([best[pk][0] for pk in ids], len(classes))
    return LabelledSample(
        classes=classes,
        item_ids=np.array(ids, dtype=np.int64),
        given=np.array([codes[given[pk]] for pk in ids], dtype=np.int64),
        probabilities=matrix if matrix is not None else np.zeros((0, len(classes))),
        versions=tuple(sorted({best[pk][1] for pk in ids})),
        load_groups=partial(input_groups, project, ids),
    )
