"""What a person chose on the page: the use of each column, the decision in words, its labels and its costs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any

from annotation.kinds.option_fields import SentForm
from inputs.files.column_roles import ColumnGuess, ColumnRole, explain, once_each
from inputs.files.delimited import Dialect
from inputs.files.spellings import folded
from overview.new_project.source import ProjectSource
from projects import task_kinds

EMPTY_ROWS = 6  # inputs that can be named where there is no file
COSTS = ("false_negative", "false_positive", "review")
LONGEST = 200


@dataclass(frozen=True)
class Choices:
    """The form as it was sent, or as the page first shows it.

    kind       of answer, by the name of its task kind
    titles     by label what people read
    apart      labels whose spellings stay labels of their own, folded
    positive   None where nobody chose yet; "" for none
    listed     labels that were written by hand, one a line
    sent       the form, of which the kind's options are a part; None before it was sent
    """

    guesses: tuple[ColumnGuess, ...] = ()
    kind: str = "choice"
    title: str = ""
    question: str = ""
    titles: Mapping[str, str] = field(default_factory=dict)
    apart: frozenset[str] = frozenset()
    positive: str | None = None
    costs: Mapping[str, str] = field(default_factory=dict)
    overlap: str = "1"
    listed: str = ""
    named_inputs: tuple[tuple[str, str], ...] = ()
    sent: SentForm | None = None

    def columns_of(self, *roles: ColumnRole) -> list[str]:
        return [guess.name for guess in self.guesses if guess.role in roles]

    def column_of(self, role: ColumnRole) -> str:
        """The one column of this role, "" where there is none."""
        return next(iter(self.columns_of(role)), "")


def first_choices(source: ProjectSource) -> Choices:
    """What the page shows before anybody changed anything."""
    name = PurePath(source.name.removesuffix(".gz")).stem if source.imports else ""
    title = " ".join(name.replace("_", " ").replace("-", " ").split())
    inputs = (("text", "text"),) if not source.columns else ()
    return Choices(source.guesses, title=title[:1].upper() + title[1:], named_inputs=inputs)


def parse_choices(given: Any, source: ProjectSource) -> Choices:
    """The choices in a form that was sent; what cannot be read is as the page first shows it."""
    first = first_choices(source)
    if not given:
        return first
    pairs = zip(given.getlist("label"), given.getlist("label-title"), strict=False)
    return replace(
        first,
        sent=given,
        guesses=_guesses(given, source),
        kind=kind if (kind := given.get("kind", first.kind)) in task_kinds.names() else first.kind,
        title=given.get("title", first.title).strip(),
        question=given.get("question", "").strip(),
        titles={label: title.strip()[:LONGEST] for label, title in pairs},
        apart=frozenset(map(folded, given.getlist("apart"))),
        positive=given.get("positive"),
        costs={name: given.get(f"cost-{name}", "").strip() for name in COSTS},
        overlap=given.get("overlap", "1").strip(),
        listed=given.get("labels", ""),
        named_inputs=tuple(
            (name.strip(), kind)
            for name, kind in zip(given.getlist("input-name"), given.getlist("input-type"), strict=False)
            if name.strip()
        )
        if not source.columns
        else (),
    )


def _guesses(given: Any, source: ProjectSource) -> tuple[ColumnGuess, ...]:
    guesses = []
    for place, (column, guess) in enumerate(zip(source.columns, source.guesses, strict=True)):
        chosen = given.get(f"role-{place}", guess.role)
        guesses.append(explain(column, ColumnRole(chosen)) if chosen in set(ColumnRole) else guess)
    changed = given.get("changed", "")
    if changed.isdecimal() and int(changed) < len(guesses):
        return tuple(once_each(guesses, source.columns, guesses[int(changed)].name))
    return tuple(guesses)


def parse_dialect(given: Any) -> Dialect:
    """How a file of text is written, as a person says; what is not said is recognised."""
    separator = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}.get(given.get("separator", ""))
    decimal = {"point": ".", "comma": ","}.get(given.get("decimal", ""))
    encoding = given.get("encoding", "")
    return Dialect(separator, decimal, encoding if encoding in ("utf-8", "utf-16", "cp1252") else None)
