"""Conditions on items by what was agreed of a side question: `also.failure=price` in an address."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import BooleanField, F, Func, Q

from analysis.item_conditions import BadCondition
from annotation import side_answers
from annotation.side_answers import UNSETTLED, SideQuestion
from projects.models import Project

PREFIX = "also."
ANY = "any"


class HasPart(Func):
    """Whether the agreed answer to a side question is this one, or has it as a label in its list, as text."""

    output_field = BooleanField()

    def __init__(self, name: str, part: str) -> None:
        super().__init__(F("also"))
        self.name, self.part = name, part

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        column, _ = compiler.compile(self.source_expressions[0])
        said = "CASE part.type WHEN 'object' THEN json_extract(part.value, '$.label') ELSE part.value END"
        sql = f"EXISTS (SELECT 1 FROM json_each({column}, %s) AS part WHERE CAST({said} AS TEXT) = %s)"
        return sql, [f"$.{self.name}.value", self.part]

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        column, _ = compiler.compile(self.source_expressions[0])
        value = f"({column} #> %s)"
        parts = f"CASE jsonb_typeof({value}) WHEN 'array' THEN {value} ELSE jsonb_build_array({value}) END"
        said = "CASE jsonb_typeof(part) WHEN 'object' THEN part ->> 'label' ELSE part #>> '{}' END"
        sql = f"EXISTS (SELECT 1 FROM jsonb_array_elements({parts}) AS part WHERE {said} = %s)"
        return sql, [*[[self.name, "value"]] * 3, self.part]


def answers_of(question: SideQuestion) -> list[str]:
    """What the filter of a question takes: its answers where they are on a list, any of them, and that votes differ."""
    parts = list(map(str, question.kind.answer_parts(question.labels)))
    return parts + [word for word in (ANY, UNSETTLED) if word not in parts]


def parse_side_filters(given: Mapping[str, str], project: Project) -> tuple[str, ...]:
    """Each `also.NAME` of an address as "NAME=answer". Raises BadCondition."""
    asked = {key.removeprefix(PREFIX): value for key, value in given.items() if key.startswith(PREFIX) and value}
    questions = {one.name: one for one in side_answers.of_project(project)} if asked else {}
    for name, value in asked.items():
        if name not in questions:
            there = ", ".join(questions) or "none"
            raise BadCondition(f"Side question is {name[:40]!r}; this project has {there}.")
        answers = answers_of(questions[name])
        if value not in answers:
            raise BadCondition(f"{PREFIX}{name} is {value[:40]!r}; it takes {', '.join(answers[:12])}.")
    return tuple(f"{name}={value}" for name, value in asked.items())


def agreed_side_answers(project: Project, wanted: Sequence[str]) -> Q:
    """The resolutions that pass these filters."""
    questions = {one.name: one for one in side_answers.of_project(project)}
    found = Q()
    for text in wanted:
        name, _, value = text.partition("=")
        parts = list(map(str, questions[name].kind.answer_parts(questions[name].labels)))
        if value in parts:
            found &= Q(HasPart(name, value))
        else:
            found &= Q(also__has_key=name) if value == ANY else Q(**{f"also__{name}__method": UNSETTLED})
    return found
