"""What a person should know before the project is made: what will happen, in numbers, and what to do about it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from inputs.files.column_reasons import names_a_person
from inputs.files.column_roles import INPUT_ROLES, READ_BY_PEOPLE, ColumnRole
from overview.new_project.choices import Choices
from overview.new_project.source import ProjectSource
from overview.new_project.specification import LabelChoice, is_required, labels_of
from overview.new_project.trial import DryRun
from projects.formatting import number, percent, plural

RARE = 60  # rows from which a segment is a slice of its own
MOST = 8
FEW_NAMED = 3


@dataclass(frozen=True)
class Remark:
    """A sentence: `code` names the column that it begins with, `strong` is what will happen.

    apart: the label whose spellings can be kept apart
    """

    text: str
    code: str = ""
    strong: str = ""
    warns: bool = False
    apart: str = ""
    together: str = ""


def find_remarks(source: ProjectSource, choices: Choices, trial: DryRun | None) -> list[Remark]:
    """The most important first."""
    found = [
        *_votes(source, choices),
        *_gaps(source, choices),
        *_spellings(choices, labels_of(source, choices)),
        *_people(source, choices),
        *_rare(source, choices),
        *_agreement(choices, trial),
        *_labels(choices, trial),
    ]
    return found[:MOST]


def _votes(source: ProjectSource, choices: Choices) -> Iterator[Remark]:
    if choices.column_of(ColumnRole.ANNOTATOR) and not choices.column_of(ColumnRole.KEY):
        yield Remark(
            "gives a name for each label, and no column differs in every row: if a row is one vote of several about "
            "an item, the item's first row alone is kept.",
            code=choices.column_of(ColumnRole.ANNOTATOR),
            warns=True,
        )


def _gaps(source: ProjectSource, choices: Choices) -> Iterator[Remark]:
    for column, guess in zip(source.columns, choices.guesses, strict=True):
        if guess.role not in READ_BY_PEOPLE or not column.missing:
            continue
        left = is_required(column, guess.role)
        yield Remark(
            f"is empty in {number(column.missing)} of {plural(column.n, 'row,rows')};",
            code=column.name,
            strong=("they are left out" if left else "they are kept") + ".",
            warns=True,
        )


def _spellings(choices: Choices, labels: Sequence[LabelChoice]) -> Iterator[Remark]:
    column = choices.column_of(ColumnRole.LABEL) or choices.column_of(ColumnRole.PREDICTED)
    for label in labels:
        if label.others:
            spelt = ", ".join(f"“{value}” in {plural(rows, 'row,rows')}" for value, rows in label.others[:FEW_NAMED])
            own = label.rows - sum(rows for _, rows in label.others)
            yield Remark(
                f"spells one label two ways: “{label.value}” in {number(own)}, {spelt}. They become",
                code=column,
                strong="one label.",
                warns=True,
                apart=label.value,
            )
    for kept in sorted(choices.apart):
        yield Remark(f"“{kept}” stays as it is spelt in the file:", strong="each spelling is a label.", together=kept)


def _people(source: ProjectSource, choices: Choices) -> Iterator[Remark]:
    for column, guess in zip(source.columns, choices.guesses, strict=True):
        if names_a_person(column):
            stored = guess.role != ColumnRole.IGNORE
            yield Remark(
                "names a person." if stored else "names a person. Choose a use for it to keep it.",
                code=column.name,
                strong="It is stored." if stored else "It is not stored.",
                warns=True,
            )


def _rare(source: ProjectSource, choices: Choices) -> Iterator[Remark]:
    for column, guess in zip(source.columns, choices.guesses, strict=True):
        if guess.role not in (ColumnRole.SEGMENT, ColumnRole.SEGMENT_INPUT):
            continue
        rare = [(value, rows) for value, rows in column.levels if rows < RARE]
        if rare and len(rare) < len(column.levels):
            named = ", ".join(f"{plural(rows, 'row,rows')} in “{value}”" for value, rows in rare[-FEW_NAMED:])
            more = f" and {len(rare) - FEW_NAMED} more such values" if len(rare) > FEW_NAMED else ""
            yield Remark(f"has {named}{more}; {RARE} are needed before it is a slice of its own.", code=column.name)


def _agreement(choices: Choices, trial: DryRun | None) -> Iterator[Remark]:
    if trial is None or (limits := trial.agreement_limits) is None:
        return
    low, high = (f"{100 * limit:.1f}" for limit in limits)
    yield Remark(
        f"agrees with the label in {percent(trial.agreement)} [{low}, {high}], n {number(trial.compared)}.",
        code=choices.column_of(ColumnRole.PREDICTED) or "The highest score",
    )


def _labels(choices: Choices, trial: DryRun | None) -> Iterator[Remark]:
    if trial is None or not trial.known:
        return
    yield Remark(
        f"How the {plural(trial.known, 'labelled row was,labelled rows were')} chosen is not known:",
        strong="they train, but do not measure.",
    )


def inputs_used(choices: Choices) -> int:
    return len(choices.columns_of(*INPUT_ROLES))
