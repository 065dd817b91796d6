"""Several people's votes in a file, resolved into one label per item, and the people rated."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.metrics.core import weighted
from analysis.metrics.core.stored import described_estimate, finite
from analysis.metrics.labels import out_of_sample
from analysis.metrics.votes import agreement, consensus
from analysis.metrics.votes.consensus import Resolutions
from analysis.metrics.votes.distances import set_distance
from analysis.offline.labels import MOST_ENCODED
from analysis.offline.output import JsonObject, aligned, shown, spread
from analysis.offline.wide_votes import ANNOTATOR, LABEL, long_votes
from inputs.encoders.base import TextEncoder
from inputs.encoders.columns import encode
from inputs.files import columns
from inputs.files.columns import Ints, Words
from inputs.files.copies import copies
from inputs.files.spellings import check_labels, check_overlap
from inputs.files.table import BadFile, Table
from validation import InvalidInput

LISTED = 15
LEAST_ORDERED = 3  # labels, below which their order says nothing
ORDERED = {"ordinal": "the numbers are ranks", "interval": "their differences count"}
SETS = {"sets": "labels are lists, which share a part of what they hold"}
TRUTH_NAMES = ("label", "truth", "true_label", "gold", "gold_label")


@dataclass(frozen=True)
class VoteOptions:
    """The columns' names, and how to resolve. `text`: the column of `analyse`'s items with what the votes are about.

    `encoder`: loads the encoder of texts; without one a model reads their terms alone.
    `annotators`: instead of `annotator` and `label`, which columns hold one annotator's labels each.
    """

    item: str
    annotator: str = ANNOTATOR
    label: str = LABEL
    annotators: str | None = None
    text: str | None = None
    method: str = "auto"
    seed: int = 0
    encoder: Callable[[], TextEncoder] | None = None


@dataclass(frozen=True)
class _Ballots:
    """The votes that are whole, as codes (v,), and what they are codes of. `left_out`: votes that lack something."""

    item: Ints
    annotator: Ints
    label: Ints
    items: Words
    annotators: Words
    labels: Words
    left_out: int


def analyse(table: Table, asked: VoteOptions, *, truth: Table | None = None, items: Table | None = None) -> JsonObject:
    """The OUT of `analyse votes`. Raises BadFile and InvalidInput."""
    given_votes = table if asked.annotators is None else long_votes(table, asked.item, asked.annotators)
    cast = _ballots(given_votes, asked)
    texts = None if asked.text is None else _texts(cast, items or table, asked)
    model, note = (None, "") if texts is None else _model(cast, texts, asked)
    answers = None if truth is None else _truth(truth, cast, asked)
    given = consensus.Votes(cast.item, cast.annotator, cast.label)
    found = consensus.resolve(
        given, method=asked.method, probabilities=model, classes=range(len(cast.labels.names)), seed=asked.seed
    )
    return {
        "method": found.method,
        "why": " ".join(filter(None, (found.why, note))),
        "n": {
            "items": len(found.items),
            "votes": int(found.annotator_n.sum()),
            "replaced": int(cast.item.size - found.annotator_n.sum()),
            "left_out": cast.left_out,
        },
        "resolutions": _resolutions(found, cast),
        "annotators": _annotators(found, cast),
        "copies": [[cast.annotators.as_written[code] for code in group] for group in found.copies],
        "agreement": _agreement(cast, asked.seed),
        **({} if answers is None else _accuracy(found, answers, texts)),
    }


def _ballots(table: Table, asked: VoteOptions) -> _Ballots:
    item, annotator, label = (columns.words(table, name) for name in (asked.item, asked.annotator, asked.label))
    whole = item.known & annotator.known & label.known
    if not whole.any():
        raise BadFile(f"{table.name} has no vote with an item, an annotator and a label.")
    check_labels(label.called(repr(asked.label)))
    i, a, v = (part.codes[whole] for part in (item, annotator, label))
    return _Ballots(i, a, v, item, annotator, label, int((~whole).sum()))


def _agreement(cast: _Ballots, seed: int) -> JsonObject:
    """Krippendorff's alpha of labels as names; of three numbers or more also by their order and by their distances, of
    JSON lists of texts by what they share."""
    alpha = agreement.krippendorff(cast.item, cast.annotator, cast.label, seed=seed)
    found: JsonObject = {"krippendorff_alpha": described_estimate(alpha) | {"level": "nominal"}}
    if lists := _as_lists(cast.labels.names):
        given = [lists[code] for code in cast.label]
        alpha = agreement.krippendorff(cast.item, cast.annotator, given, distance=set_distance, seed=seed)
        return found | {"krippendorff_alpha_sets": described_estimate(alpha) | {"level": "sets"}}
    numbers = _as_numbers(cast.labels.names)
    if numbers is None or np.unique(cast.label).size < LEAST_ORDERED:
        return found
    for level in ("ordinal", "interval"):
        alpha = agreement.krippendorff(cast.item, cast.annotator, numbers[cast.label], level=level, seed=seed)
        found[f"krippendorff_alpha_{level}"] = described_estimate(alpha) | {"level": level}
    return found


def _as_lists(names: Sequence[str]) -> list[list[str]] | None:
    """The labels as JSON lists of texts, None where one is none."""
    try:
        found = [json.loads(name) for name in names]
    except ValueError:
        return None
    lists = [one for one in found if isinstance(one, list) and all(isinstance(part, str) for part in one)]
    return lists if len(lists) == len(names) else None


def _as_numbers(names: Sequence[str]) -> NDArray[np.float64] | None:
    """The labels as finite numbers, None where one is none."""
    try:
        found = np.array([float(name) for name in names])
    except ValueError:
        return None
    return found if np.isfinite(found).all() else None


def _resolutions(found: Resolutions, cast: _Ballots) -> list[JsonObject]:
    return [
        {"item": cast.items.as_written[item], "label": cast.labels.as_written[label], "quality": finite(quality)}
        for item, label, quality in zip(found.items.tolist(), found.label.tolist(), found.quality, strict=True)
    ]


def _annotators(found: Resolutions, cast: _Ballots) -> list[JsonObject]:
    names = [cast.annotators.as_written[code] for code in found.annotators.tolist()]
    return [
        {"annotator": name, "quality": finite(quality), "n": int(n)}
        for name, quality, n in zip(names, found.annotator_quality, found.annotator_n, strict=True)
    ]


def _model(cast: _Ballots, texts: Sequence[str], asked: VoteOptions) -> tuple[Any, str]:
    """Out-of-sample probabilities (items, k) of a text model trained on the majority of votes, and a note on it."""
    voted = np.unique(cast.item)
    majority = consensus.resolve((cast.item, cast.annotator, cast.label), method="majority").label
    bare = int(sum(not text for text in texts))
    note = f" {bare} items have no text." if bare else ""
    columns_of_texts, types = {"text": texts}, {"text": "text"}
    encoded = asked.encoder and len(texts) <= MOST_ENCODED and encode(columns_of_texts, types, asked.encoder())
    try:
        found = out_of_sample.out_of_sample(
            *(columns_of_texts, types, majority),
            classes=len(cast.labels.names),
            seed=asked.seed,
            vectors=encoded.vectors if encoded else None,
        )
    except InvalidInput as why:
        return None, f"The texts could not be used: {why}{note}"
    by = f", texts encoded by {encoded.encoder}" if encoded else ""
    return found.probabilities, f"Texts of {voted.size} items: {found.model}, out of sample{by}.{note}"


def _texts(cast: _Ballots, table: Table, asked: VoteOptions) -> list[str]:
    """The text of every item with votes, in their order."""
    held: dict[int, str] = {}
    _check_items(table, asked.item, cast, asked)
    items = columns.coded(table, asked.item, cast.items.names).tolist()
    for item, text in zip(items, columns.texts(table, asked.text or ""), strict=True):
        if item >= 0 and held.setdefault(item, text) != text:
            raise BadFile(f"{table.name} has two texts for the item {cast.items.names[item]!r}.")
    if not held:
        raise BadFile(f"{table.name} has no text for any item that has votes.")
    return [held.get(item, "") for item in np.unique(cast.item).tolist()]


def _truth(table: Table, cast: _Ballots, asked: VoteOptions) -> dict[int, int]:
    """The true label of each item with votes that the file names: codes of both, -2 for a label nobody voted for."""
    item, label = _truth_columns(table, asked)
    given = columns.words(table, label).called(f"{label!r} of {table.name}")
    check_labels(given, cast.labels.called(repr(asked.label)))
    _check_items(table, item, cast, asked)
    items, labels = (
        columns.coded(table, item, cast.items.names),
        columns.coded(table, label, cast.labels.names),
    )
    found: dict[int, int] = {}
    voted = np.isin(items, cast.item) & (labels != -1)
    for row in np.flatnonzero(voted).tolist():
        if found.setdefault(int(items[row]), int(labels[row])) != labels[row]:
            raise BadFile(f"{table.name} has two labels for the item {cast.items.names[items[row]]!r}.")
    if not found:
        raise BadFile(f"{table.name} has no label for any item that has votes.")
    return found


def _check_items(table: Table, item: str, cast: _Ballots, asked: VoteOptions) -> None:
    named = columns.words(table, item).called(f"{item!r} of {table.name}")
    check_overlap(named, cast.items.called(f"{asked.item!r} of the votes"), "item")


def _truth_columns(table: Table, asked: VoteOptions) -> tuple[str, str]:
    """The same names as in the votes; else a usual name for a truth; else, of two columns, the item's and the other."""
    item = asked.item if asked.item in table or len(table.columns) != 2 else table.columns[0]
    others = [name for name in table.columns if name != item]
    if asked.label in others:
        return item, asked.label
    usual = [name for name in others if name.lower() in TRUTH_NAMES]
    if len(usual) == 1:
        return item, usual[0]
    return item, others[0] if len(others) == 1 else asked.label


def _accuracy(found: Resolutions, truth: dict[int, int], texts: Sequence[str] | None) -> JsonObject:
    """The share of items resolved as the truth has them, and what was stated of it; items of one text make the interval
    no narrower."""
    judged = np.array([item in truth for item in found.items.tolist()])
    right = [truth[item] == label for item, label in zip(found.items[judged], found.label[judged], strict=True)]
    groups = None if texts is None else copies([{"text": texts}], {"text": "text"})[0][judged]
    note = weighted.proportion(right, np.ones(len(right)), groups=groups)
    return {
        "accuracy": finite(note.value),
        "accuracy_interval": described_estimate(note),
        "stated_quality": finite(float(found.quality[judged].mean())),
    }


def _compared_quality(answer: JsonObject) -> str:
    """Whether the quality stated of the items with a truth is their accuracy, in words."""
    stated, accuracy = answer["stated_quality"], answer["accuracy_interval"]
    if stated is None or accuracy["low"] is None:
        return ""
    if accuracy["low"] <= stated <= accuracy["high"]:
        return f"; their mean quality says {shown(stated)}, within the interval"
    way = "too high" if stated > accuracy["high"] else "too low"
    return f"; their mean quality says {shown(stated)}, which is {way}: quality here is not the chance to be right"


def to_text(answer: JsonObject) -> str:
    """The answer as text: the least sure items first."""
    alpha = answer["agreement"]["krippendorff_alpha"]
    n = answer["n"]
    lines = [
        f"{n['items']:,} items, {n['votes']:,} votes, {len(answer['annotators']):,} annotators; "
        f"{n['replaced']:,} votes replaced by a later one, {n['left_out']:,} left out. "
        f"Method: {answer['method']}. {answer['why']}",
        *(f"Counted as one: {', '.join(map(str, group))}" for group in answer["copies"]),
        f"Krippendorff's alpha, nominal {spread(alpha)}",
        *(
            f"Krippendorff's alpha, {level} {spread(answer['agreement'][f'krippendorff_alpha_{level}'])}; "
            f"meant where {meaning}"
            for level, meaning in (ORDERED | SETS).items()
            if f"krippendorff_alpha_{level}" in answer["agreement"]
        ),
    ]
    if "accuracy" in answer:
        lines.append(f"Accuracy against the truth {spread(answer['accuracy_interval'])}{_compared_quality(answer)}")
    unsure = sorted(answer["resolutions"], key=_quality)[:LISTED]
    rows = [[row["item"], row["label"], row["quality"]] for row in unsure]
    people = [[row["annotator"], row["quality"], row["n"]] for row in sorted(answer["annotators"], key=_quality)]
    lines += ["", "Least sure items", aligned(["item", "label", "quality"], rows)]
    lines += ["", "Annotators, lowest quality first", aligned(["annotator", "quality", "votes"], people[:LISTED])]
    return "\n".join(lines)


def _quality(row: JsonObject) -> float:
    return 2.0 if row["quality"] is None else row["quality"]
