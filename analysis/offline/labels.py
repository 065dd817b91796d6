"""Which labels of a file are probably wrong."""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.metrics.core import ranking
from analysis.metrics.core.design import design
from analysis.metrics.core.stored import described_estimate, finite
from analysis.metrics.labels import label_errors, out_of_sample
from analysis.metrics.labels.label_errors import LabelErrors
from analysis.offline.images import are_paths, read_images
from analysis.offline.output import JsonObject, aligned, spread
from inputs import images
from inputs.encoders.base import TextEncoder
from inputs.encoders.columns import encode
from inputs.files import columns
from inputs.files.cells import parse_numbers
from inputs.files.columns import Array, Bools, Floats, Ints, Words, natural
from inputs.files.copies import copies, copies_of_rows
from inputs.files.spellings import LabelColumn, check_labels
from inputs.files.table import BadFile, Table
from validation.probabilities import renormalised_note

LISTED = 25
MOST_DIGITS, LEAST_REPEATS = 20, 5  # with more numbers, each in fewer rows than this, they are a quantity
MOST_ENCODED = 50_000  # texts: some minutes of the encoder's time


@dataclass(frozen=True)
class LabelOptions:
    """Names of the label and of one way to probabilities: a text, an image, several inputs, or a file of them.

    `folder`: where paths of images start. `encoder`: reads texts, of at most MOST_ENCODED rows; None leaves them to
    TF-IDF.
    """

    label: str
    text: str | None = None
    inputs: tuple[str, ...] = ()
    probabilities: str | None = None
    truth: str | None = None
    budget: float = 60.0
    seed: int = 0
    image: str | None = None
    folder: Path = Path()
    encoder: TextEncoder | None = None


@dataclass(frozen=True)
class _Model:
    """Probabilities (n, k) of the labelled rows over `classes`, where they come from, and the group (n,) of each row.

    Rows with equal or near-equal inputs share a group.
    """

    probabilities: Floats
    classes: tuple[str, ...]
    source: str
    groups: Ints


def analyse(table: Table, asked: LabelOptions) -> JsonObject:
    """The OUT of `analyse labels`. Raises BadFile and InvalidInput."""
    given = columns.words(table, asked.label)
    known = given.known
    if not known.any():
        raise BadFile(f"{table.name} has no label in column {asked.label!r}.")
    _refuse_quantity(given, table, asked)
    truth = None if asked.truth is None else columns.words(table, asked.truth)
    check_labels(given.called(repr(asked.label)), *([truth.called(repr(asked.truth))] if truth else []))
    model = _loaded_model(table, asked, known) if asked.probabilities else _fitted_model(table, asked, known)
    labels = columns.coded(table, asked.label, model.classes)[known]
    found = label_errors.suspected(labels, model.probabilities, classes=model.classes, groups=model.groups)
    rows = np.flatnonzero(known)
    flagged = int(found.flagged.sum())
    return {
        "n": int(rows.size),
        "left_out": int((~known).sum()),
        "copies": int(rows.size - np.unique(model.groups).size),
        "classes": list(model.classes),
        "method": found.method,
        "probabilities": model.source,
        "flagged": flagged,
        "expected_precision": described_estimate(found.expected_precision.of(flagged)) if flagged else None,
        "estimated_share_wrong": described_estimate(found.estimated_share),
        **({} if truth is None else _judged(found, _wrong(table, asked, rows), truth.known[rows], model.groups)),
        "scores": _scores(found, rows, labels, _spelt(table, asked, model.classes)),
    }


def _refuse_quantity(given: Words, table: Table, asked: LabelOptions) -> None:
    """Labels are classes: numbers that hardly repeat are a quantity, other values that do not are names or texts."""
    k, rows = len(given.names), int(given.known.sum())
    if k <= MOST_DIGITS or rows >= LEAST_REPEATS * k:
        return
    numbers, unread = parse_numbers(pd.Series(given.names), table.decimal)
    if unread.any():
        if rows < 2 * k:
            raise BadFile(f"{asked.label!r} has {k} different values in {rows} rows; labels must repeat to be judged.")
        return
    raise BadFile(
        f"{asked.label!r} holds {k} different numbers in {rows} rows, {numbers.min():g} to {numbers.max():g}: a "
        f"quantity, not a label. Only labels of classes can be judged."
    )


def _spelt(table: Table, asked: LabelOptions, classes: tuple[str, ...]) -> list[Any]:
    """Each class as the label column writes it."""
    given = columns.words(table, asked.label)
    written = dict(zip(given.names, given.as_written, strict=True))
    return [written.get(name, name) for name in classes]


def _scores(found: LabelErrors, rows: Ints, labels: Ints, spelt: list[Any]) -> list[JsonObject]:
    """Most suspect first."""
    return [
        {
            "row": int(rows[at]),
            "score": finite(found.score[at]),
            "label": spelt[labels[at]],
            "suggested": spelt[found.suggested[at]],
            "flagged": bool(found.flagged[at]),
        }
        for at in found.expected_precision.order.tolist()
    ]


def _fitted_model(table: Table, asked: LabelOptions, known: Bools) -> _Model:
    found, types = _inputs(table, asked, known)
    given = columns.words(table.rows(known), asked.label)
    (groups,) = copies([found], types)
    texts = encode(found, types, asked.encoder) if asked.encoder and len(given.codes) <= MOST_ENCODED else None
    made = out_of_sample.out_of_sample(
        *(found, types, given.codes),
        groups=groups,
        budget=asked.budget,
        seed=asked.seed,
        vectors=texts.vectors if texts else None,
    )
    read = ", ".join(f"{name} as {kind}" for name, kind in types.items())
    identical = [name for name, kind in types.items() if kind == "image" and images.look_alike(found[name])]
    warning = "".join(
        f" All pictures of {name} look alike to the model, which sees them in grey." for name in identical
    )
    encoded = f" Texts are encoded by {texts.encoder}." if texts else ""
    source = f"Out of sample from {read}: {made.why}{encoded}{warning}"
    return _Model(made.probabilities, given.names, source, groups)


def _inputs(table: Table, asked: LabelOptions, known: Bools) -> tuple[dict[str, Any], dict[str, str]]:
    """The columns asked for, of the labelled rows, and the kind of each."""
    one = asked.text or asked.image
    names = [one] if one else list(asked.inputs)
    if asked.label in names:
        raise BadFile(f"The label {asked.label!r} cannot be its own input.")
    part = table.rows(known)
    if asked.text:
        return {asked.text: columns.texts(part, asked.text)}, {asked.text: "text"}
    images = [name for name in names if asked.image or are_paths(part, name)]
    (found,), kinds = columns.typed_columns([part], [name for name in names if name not in images])
    rows = np.flatnonzero(known)
    seen = {name: read_images(table, name, rows, asked.folder) for name in images}
    types: dict[str, str] = {name: "image" if name in seen else kinds[name] for name in names}
    return found | seen, types


def _loaded_model(table: Table, asked: LabelOptions, known: Bools) -> _Model:
    matrix, named = _loaded(asked.probabilities or "")
    if matrix.ndim != 2 or matrix.shape[0] != len(table):
        raise BadFile(f"The probabilities have shape {matrix.shape}; {table.name} has {len(table)} rows.")
    labels = columns.words(table, asked.label).names
    classes = _classes(labels, named, matrix.shape[1], asked)
    check_labels(LabelColumn(repr(asked.label), labels), LabelColumn("the probabilities' classes", classes))
    if unseen := [name for name in labels if name not in classes]:
        raise BadFile(f"The label {unseen[0]!r} is not among the classes of the probabilities: {', '.join(classes)}.")
    given = matrix[known].astype(np.float64)
    remarks = ["As given; they must be out of sample.", renormalised_note(given)]
    groups = copies_of_rows(table.rows(known), without=lambda name: name in (asked.label, asked.truth))
    return _Model(given, classes, " ".join(filter(None, remarks)), groups)


def _classes(labels: tuple[str, ...], named: tuple[str, ...] | None, k: int, asked: LabelOptions) -> tuple[str, ...]:
    """The columns' classes: as named; else the labels sorted; else, for labels 0 to k-1, their numbers."""
    if named is not None:
        if len(named) != k or len(set(named)) != k:
            raise BadFile(f"`classes` names {len(set(named))} classes for {k} columns of probabilities.")
        return named
    if len(labels) == k:
        return labels
    codes = tuple(str(code) for code in range(k))
    if set(labels) <= set(codes):
        return codes
    raise BadFile(
        f"The probabilities have {k} columns, {asked.label!r} has {len(labels)} labels; add an array `classes`."
    )


def _loaded(path: str) -> tuple[Array, tuple[str, ...] | None]:
    try:
        with np.load(path, allow_pickle=False) as held:
            arrays = {name: held[name] for name in held.files}
    except OSError as why:
        raise BadFile(f"{path} cannot be read: {why.strerror or 'it is not NPZ'}.") from None
    except (ValueError, AttributeError, TypeError, EOFError, zipfile.BadZipFile):
        raise BadFile(f"{path} is not an NPZ of plain arrays.") from None
    named = arrays.pop("classes", None)
    matrix = arrays.get("probabilities") if "probabilities" in arrays or len(arrays) != 1 else [*arrays.values()][0]
    if matrix is None or matrix.dtype.kind not in "fiu":
        raise BadFile(f"{path} needs an array `probabilities` of numbers; it has {', '.join(arrays) or 'none'}.")
    return matrix, None if named is None else tuple(columns.word(name) or "" for name in named.ravel().tolist())


def _wrong(table: Table, asked: LabelOptions, rows: Ints) -> Bools:
    """Which of these rows have a label other than the true one."""
    names = natural({*columns.words(table, asked.label).names, *columns.words(table, asked.truth or "").names})
    label, truth = (columns.coded(table, column, names)[rows] for column in (asked.label, asked.truth or ""))
    return np.asarray(label != truth)


def _judged(found: LabelErrors, wrong: Bools, known: Bools, groups: Ints) -> JsonObject:
    """How well the ranking finds the labels that differ from the truth, over the rows whose truth is known.

    Copies, which share a group, make no interval narrower.
    """
    if not known.any():
        raise BadFile("The truth column has no value for any labelled row.")
    wrong, suspicion = wrong[known], -found.score[known]
    drawn = design(np.ones(wrong.size), groups=groups[known])
    precision, area = ranking.pr_auc(wrong, suspicion, drawn), ranking.roc_auc(wrong, suspicion, drawn)
    return {
        "average_precision": finite(precision.value),
        "auroc": finite(area.value),
        "average_precision_interval": described_estimate(precision),
        "auroc_interval": described_estimate(area),
        "truly_wrong": int(wrong.sum()),
        "flagged_and_wrong": int((wrong & found.flagged[known]).sum()),
    }


def contents(table: Table, asked: LabelOptions) -> Callable[[int], str]:
    """What a row holds, in words: its text or the path of its image, else its inputs with their names."""
    one = asked.text or asked.image
    if one:
        return lambda row: "" if pd.isna(table[one].iloc[row]) else str(table[one].iloc[row])
    judged = (asked.label, asked.truth)
    names = asked.inputs or tuple(name for name in table.columns if name not in judged)
    return lambda row: ", ".join(f"{name}={table[name].iloc[row]}" for name in names)


def to_text(answer: JsonObject, contents: Callable[[int], str]) -> str:
    """The answer as text: the most suspect labels, each with what its row holds."""
    lines = [
        f"{answer['n']:,} labels, {answer['flagged']:,} flagged; {answer['left_out']:,} rows without a label left out.",
        *([f"{answer['copies']:,} of them are copies of others and count once."] if answer["copies"] else []),
        answer["method"],
        answer["probabilities"],
        f"Estimated share of wrong labels {spread(answer['estimated_share_wrong'])}",
    ]
    if answer["expected_precision"]:
        lines.append(f"Expected precision of the flagged list {spread(answer['expected_precision'])}")
    if "auroc" in answer:
        lines.append(f"Average precision against the truth {spread(answer['average_precision_interval'])}")
        lines.append(f"AUROC against the truth {spread(answer['auroc_interval'])}")
    rows = [
        [row["row"], row["score"], row["label"], row["suggested"], contents(row["row"])]
        for row in answer["scores"][:LISTED]
    ]
    return "\n".join([*lines, "", aligned(["row", "score", "label", "suggested", "content"], rows)])
