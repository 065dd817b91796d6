"""From the choices on the page to the spec of a project, and to how its file is imported."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from annotation import kinds
from annotation.exchange.rows import NO_COLUMN, ColumnNames
from annotation.import_options import ImportOptions
from annotation.kinds.base import InputRules
from annotation.kinds.option_fields import chosen_options
from inputs.files.column_roles import INPUT_ROLES, ColumnRole
from inputs.files.column_scores import score_prefix
from inputs.files.profiles import ColumnProfile
from inputs.files.spellings import TRUTHS, folded
from overview.new_project.choices import COSTS, Choices
from overview.new_project.source import INSIDE, ProjectSource
from projects import task_kinds

LEFT_OUT = 0.05  # share of rows without what people read up to which such rows are left out
BESIDE = "segment."


@dataclass(frozen=True)
class LabelChoice:
    """A label: its value in the file, how many rows have it, and its other spellings with their rows."""

    value: str
    rows: int
    others: tuple[tuple[str, int], ...] = ()
    title: str = ""


def has_classes(kind: str) -> bool:
    """Whether an answer of this kind is one label, so that a column of the file may list the labels."""
    return bool(kinds.of(kind).classes([{"value": "any"}]))


def labels_of(source: ProjectSource, choices: Choices) -> list[LabelChoice]:
    """The labels: those of the label column and of the predicted ones, of the scores, or those written by hand.

    Where an answer is more than one label, the cells of these columns are no labels, so they are written by hand.
    """
    if not task_kinds.needs_labels(choices.kind):
        return []
    if not has_classes(choices.kind):
        lines = dict.fromkeys(line.strip() for line in choices.listed.splitlines() if line.strip())
        return [LabelChoice(line, 0, title=choices.titles.get(line) or line) for line in lines]
    counted = _levels(source, choices.column_of(ColumnRole.LABEL))
    known = dict(counted)
    predicted = _levels(source, choices.column_of(ColumnRole.PREDICTED))
    scored = [(label, 0) for label in scored_labels(source, choices)]
    written = [(line.strip(), 0) for line in choices.listed.splitlines() if line.strip()]
    values = counted + [(value, 0) for value, _ in (*predicted, *scored, *written) if value not in known]
    grouped: dict[str, list[tuple[str, int]]] = {}
    for value, rows in dict(values).items():
        alone = folded(value) in choices.apart
        grouped.setdefault(value if alone else folded(value), []).append((value, rows))
    made = [_label(spellings, choices) for spellings in grouped.values()]
    return made if all(label.rows == 0 for label in made) else sorted(made, key=lambda one: -one.rows)


def _label(spellings: list[tuple[str, int]], choices: Choices) -> LabelChoice:
    """The most frequent spelling is the label."""
    first, *others = sorted(spellings, key=lambda pair: -pair[1])
    title = choices.titles.get(first[0]) or first[0]
    return LabelChoice(first[0], sum(rows for _, rows in spellings), tuple(others), title)


def _levels(source: ProjectSource, name: str) -> list[tuple[str, int]]:
    return next((list(one.levels) for one in source.columns if one.name == name), [])


def scored_labels(source: ProjectSource, choices: Choices) -> list[str]:
    prefix = prefix_of(source, choices)
    return [name.removeprefix(prefix) for name in choices.columns_of(ColumnRole.SCORES)] if prefix else []


def prefix_of(source: ProjectSource, choices: Choices) -> str:
    """What the names of the score columns begin with before the label."""
    columns = choices.columns_of(ColumnRole.SCORES)
    if columns and all(name.startswith("scores.") for name in columns):
        return "scores."
    label = choices.column_of(ColumnRole.LABEL) or choices.column_of(ColumnRole.PREDICTED)
    return score_prefix(columns, {value for value, _ in _levels(source, label)})


def positive_of(choices: Choices, labels: Sequence[LabelChoice]) -> str:
    """The label to catch: as chosen; of two labels the one that says yes, or the rarer one."""
    if not has_classes(choices.kind):
        return ""
    values = [label.value for label in labels]
    if choices.positive is not None:
        return choices.positive if choices.positive in values else ""
    if len(values) != 2:
        return ""
    yes = [value for value in values if TRUTHS.get(folded(value)) == "true"]
    return yes[0] if len(yes) == 1 else min(labels, key=lambda label: label.rows).value if labels[0].rows else ""


def spec_of_choices(source: ProjectSource, choices: Choices) -> dict[str, Any]:
    """The spec, not yet checked."""
    labels = labels_of(source, choices)
    spec: dict[str, Any] = {
        "title": choices.title,
        "kind": choices.kind,
        "labels": [one.value if one.title == one.value else {"value": one.value, "title": one.title} for one in labels],
        "inputs": _inputs(source, choices),
    }
    if options := options_of(choices, spec["inputs"]):
        spec["answer"] = options
    if segments := choices.columns_of(ColumnRole.SEGMENT, ColumnRole.SEGMENT_INPUT):
        spec["segments"] = [name.removeprefix(BESIDE) for name in segments]
    if (overlap := _number(choices.overlap)) != 1:
        spec["overlap"] = overlap
    if positive := positive_of(choices, labels):
        spec["positive"] = positive
        if costs := {name: _number(choices.costs[name]) for name in COSTS if choices.costs.get(name)}:
            spec["costs"] = costs
    if choices.question:
        spec["guideline"] = choices.question
    return spec


def options_of(choices: Choices, inputs: InputRules) -> dict[str, Any]:
    """What was chosen of the options of the kind."""
    return chosen_options(kinds.of(choices.kind), choices.sent, inputs) if choices.sent else {}


def _inputs(source: ProjectSource, choices: Choices) -> dict[str, Any]:
    if not source.columns:
        return {name: {"type": kind} for name, kind in choices.named_inputs}
    inputs = {}
    for column, guess in zip(source.columns, choices.guesses, strict=True):
        if guess.role not in INPUT_ROLES:
            continue
        kind = ColumnRole.CATEGORY if guess.role == ColumnRole.SEGMENT_INPUT else guess.role
        rule: dict[str, Any] = {"type": str(kind)}
        if not is_required(column, guess.role):
            rule["required"] = False
        inputs[column.name.removeprefix(INSIDE)] = rule
    return inputs


def is_required(column: ColumnProfile, role: ColumnRole) -> bool:
    """Whether a row without this input is refused: what people read where few rows lack it, all else without gaps."""
    read = role in (ColumnRole.TEXT, ColumnRole.IMAGE, ColumnRole.CONVERSATION)
    return not column.missing or (read and column.missing <= LEFT_OUT * column.n)


def import_options(source: ProjectSource, choices: Choices) -> ImportOptions:
    """How the file's rows become items of the project."""
    taken = choices.columns_of(*INPUT_ROLES)
    names = ColumnNames(
        key=choices.column_of(ColumnRole.KEY) or NO_COLUMN,
        label=choices.column_of(ColumnRole.LABEL) or NO_COLUMN,
        predicted=choices.column_of(ColumnRole.PREDICTED) or NO_COLUMN,
        scores=prefix_of(source, choices) or choices.column_of(ColumnRole.POSITIVE_SCORE) or NO_COLUMN,
        version=choices.column_of(ColumnRole.VERSION) or NO_COLUMN,
        time=choices.column_of(ColumnRole.TIME_OF_ROW) or NO_COLUMN,
        annotator=choices.column_of(ColumnRole.ANNOTATOR),
        confidence=choices.column_of(ColumnRole.CONFIDENCE),
        segment=tuple(choices.columns_of(ColumnRole.SEGMENT, ColumnRole.SEGMENT_INPUT)),
        inputs={name.removeprefix(INSIDE): name for name in taken if name.startswith(INSIDE)},
    )
    return ImportOptions(names, source.dialect)


def _number(text: str) -> Any:
    """The number that was typed, with a point or a comma; the text itself, which a spec refuses in words."""
    try:
        found = float(text.replace(",", "."))
    except ValueError:
        return text
    return int(found) if found.is_integer() else found
