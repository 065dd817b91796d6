"""Side questions: what a project asks beside its one decision, as its spec or a page gives them under `also_ask`.

A question that was asked once stays: it can be retired, and so can its labels, so that its answers keep their meaning.
What its answers may be is the task kind's matter; this module checks what a question says.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import Meta

from projects import lookalikes, task_kinds
from projects.label_lists import check_labels
from projects.project_settings import BadSpec, Settings, parse, shown

MOST = 10
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
RESERVED = frozenset({"also", "comment", "flagged", "known", "label", "lease", "seconds", "skip", "skipped", "value"})
"""What stands beside an answer or a row already."""

Questions = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class MainQuestion:
    """What side questions stand beside: the project's kind with its options, labels and inputs."""

    kind: str
    answer: dict[str, Any]
    labels: list[dict[str, Any]]
    inputs: dict[str, dict[str, Any]]


class QuestionFields(Settings, frozen=True, kw_only=True):
    """What one side question takes. `when` names the answers to the decision at which it is asked; none is always."""

    name: Annotated[str, Meta(description="a name of small letters, digits and _")] = ""
    kind: Annotated[str, Meta(description="a task kind")] = ""
    title: Annotated[str, Meta(max_length=120, description="a text of at most 120 characters")] = ""
    labels: Annotated[list[Any], Meta(description="a list of labels")] = []
    answer: Annotated[dict[str, Any], Meta(description="an object")] = {}
    required: Annotated[bool, Meta(description="true or false")] = False
    when: Annotated[list[str | int], Meta(max_length=1000, description="a list of answers to the decision")] = []
    retired: Annotated[bool, Meta(description="true or false")] = False


def parse_questions(given: Any, decision: MainQuestion) -> list[dict[str, Any]]:
    """The questions as they are stored: what is left out or empty is not there. Raises BadSpec."""
    if not isinstance(given, list) or len(given) > MOST:
        raise BadSpec(f"also_ask is {shown(given)}; it takes a list of at most {MOST} side questions.")
    found = [_question(f"also_ask[{place}]", one, decision) for place, one in enumerate(given)]
    names = [question["name"] for question in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise BadSpec(f"also_ask has the name {twice!r} twice; each side question has a name of its own.")
    return found


def _question(place: str, given: Any, decision: MainQuestion) -> dict[str, Any]:
    fields = parse(QuestionFields, place, given)
    _check_name(place, fields.name)
    if fields.kind not in task_kinds.names():
        raise BadSpec(f"{place}.kind is {shown(fields.kind)}; it takes {', '.join(task_kinds.names())}.")
    if fields.title and (fields.title != fields.title.strip() or lookalikes.fault(fields.title)):
        raise BadSpec(f"{place}.title is {shown(fields.title)}; it takes text on one line.")
    try:
        labels = _labels(fields)
        answer = task_kinds.complete_options(fields.kind, fields.answer, decision.inputs)
    except BadSpec as why:
        raise BadSpec(f"{place} ({fields.name}): {why}") from None
    when = [_named(place, one, decision) for one in fields.when]
    parts = {"title": fields.title, "labels": labels, "answer": answer, "required": fields.required, "when": when}
    kept = {name: value for name, value in (parts | {"retired": fields.retired}).items() if value}
    return {"name": fields.name, "kind": fields.kind, **kept}


def _check_name(place: str, name: str) -> None:
    if not NAME.fullmatch(name):
        raise BadSpec(
            f"{place}.name is {shown(name)}; it takes 1 to 40 small letters, digits and _, and begins with a letter."
        )
    if name in RESERVED:
        raise BadSpec(f"{place}.name is {shown(name)}, which is taken; these are: {', '.join(sorted(RESERVED))}.")


def _labels(fields: QuestionFields) -> list[dict[str, Any]]:
    """The labels of the question; a kind whose answers are no labels takes none."""
    if not task_kinds.needs_labels(fields.kind):
        if fields.labels:
            raise BadSpec(f"labels stand where the answer is a label; kind {fields.kind} takes none.")
        return []
    return check_labels(fields.labels, also=("retired",), fewest=task_kinds.fewest_labels(fields.kind))


def _named(place: str, given: Any, decision: MainQuestion) -> Any:
    """The part of an answer to the decision that `when` names, as answers hold it."""
    parts = task_kinds.answer_parts(decision.kind, decision.answer, decision.labels)
    if not parts:
        raise BadSpec(f"{place}.when takes none where the decision is of kind {decision.kind}.")
    found = next((part for part in parts if str(part) == str(given)), None)
    if found is None:
        names = ", ".join(map(str, parts[:12])) + (f" and {len(parts) - 12} more" if len(parts) > 12 else "")
        raise BadSpec(f"{place}.when names {shown(given)}, which is no answer to the decision; these are: {names}.")
    return found


def check_followers(before: Questions, after: Questions) -> None:
    """Raises BadSpec where these questions cannot follow those before: a question or a label of it is missing, or its
    kind or options changed."""
    now = {question["name"]: question for question in after}
    for old in before:
        name = old["name"]
        if name not in now:
            raise BadSpec(f"Side question {name!r} is missing; one that was asked can be retired, not taken out.")
        if any(old.get(part, {}) != now[name].get(part, {}) for part in ("kind", "answer")):
            raise BadSpec(f"Side question {name!r} stays of kind {old['kind']} with its options; add another one.")
        values = {label["value"] for label in now[name].get("labels", [])}
        if gone := [label["value"] for label in old.get("labels", []) if label["value"] not in values]:
            raise BadSpec(f"Label {gone[0]!r} of side question {name!r} is missing; it can be retired, not taken out.")


def current_when(when: Sequence[Any], labels: Questions) -> list[Any]:
    """The answers that `when` names under these labels: of a merged label the one that took its place, of a split one
    those that it became."""
    took = {label["value"]: _took(label) for label in labels if label.get("merged_into") or label.get("split_into")}
    found: list[Any] = []
    for value in when:
        found += [part for part in _followed(value, took, ()) if part not in found]
    return found


def _took(label: dict[str, Any]) -> list[Any]:
    return [label["merged_into"]] if label.get("merged_into") else list(label["split_into"])


def _followed(value: Any, took: dict[Any, list[Any]], passed: tuple[Any, ...]) -> list[Any]:
    if value not in took or value in passed:
        return [value]
    return [last for part in took[value] for last in _followed(part, took, (*passed, value))]


def offered_questions(questions: Questions, labels: Questions) -> list[dict[str, Any]]:
    """The questions that are asked, as a spec would say them today: with the labels that are offered, theirs too."""
    offered = {label["value"] for label in labels if not label.get("retired")} if labels else None
    return [_said_today(one, labels, offered) for one in questions if not one.get("retired")]


def _said_today(question: dict[str, Any], labels: Questions, offered: set[Any] | None) -> dict[str, Any]:
    when = [part for part in current_when(question.get("when", []), labels) if offered is None or part in offered]
    own = [label for label in question.get("labels", []) if not label.get("retired")]
    return question | ({"when": when} if "when" in question else {}) | ({"labels": own} if own else {})
