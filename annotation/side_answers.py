"""Answers to side questions: which are asked beside an answer, what they may be, and what votes agree on of each.

Each question has a task kind of its own, whose values and rule of resolution are those of a project of that kind. It is
asked, and agreed on, where the answer to the decision is one that its `when` names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotation import kinds
from annotation.kinds import InvalidLabel, Labels, TaskKind
from projects.formatting import plural
from projects.models import Project
from projects.side_questions import current_when

UNSETTLED = "unsettled"
"""The method of a side question whose votes differ."""


@dataclass(frozen=True)
class SideQuestion:
    """One question of a project. `when` is empty where it is always asked."""

    name: str
    title: str
    kind: TaskKind
    labels: Labels
    required: bool
    when: tuple[Any, ...]
    retired: bool

    @property
    def words(self) -> str:
        """What a person reads: the title, or the name."""
        return self.title or self.name.replace("_", " ").capitalize()

    def is_asked(self, parts: Sequence[Any]) -> bool:
        """Whether it is asked beside an answer to the decision that has these parts."""
        return not self.when or any(part in self.when for part in parts)

    def describe(self, value: Any) -> str:
        return self.kind.describe(value, self.labels)


def of_project(project: Project) -> tuple[SideQuestion, ...]:
    """Every side question of the project in its order, also those that are not asked any more."""
    if not project.also_ask:
        return ()
    labels = project.schema().labels
    return tuple(
        SideQuestion(
            name=one["name"],
            title=one.get("title", ""),
            kind=kinds.of(one["kind"]).with_options(one.get("answer", {})),
            labels=one.get("labels", []),
            required=one.get("required", False),
            when=tuple(current_when(one.get("when", []), labels)),
            retired=one.get("retired", False),
        )
        for one in project.also_ask
    )


def asked_by(project: Project) -> tuple[SideQuestion, ...]:
    """The questions that people are asked now."""
    return tuple(one for one in of_project(project) if not one.retired)


def accept(project: Project, value: Any, given: Any) -> dict[str, Any]:
    """A person's side answers beside this value, as they are stored. Raises InvalidLabel with the question's name.

    An answer to a question that was retired while the person worked is kept.
    """
    found = accept_some(project, value, given)
    missing = [one for one in asked_by(project) if one.required and one.name not in found]
    if missing:
        parts = kinds.of_project(project).parts_of(value)
        for one in missing:
            if one.is_asked(parts):
                raise InvalidLabel(f"`also.{one.name}` is missing: it is required beside this answer.")
    return found


def accept_some(project: Project, value: Any, given: Any) -> dict[str, Any]:
    """As `accept`, where none is required. Raises InvalidLabel."""
    if given is not None and not isinstance(given, dict):
        raise InvalidLabel("`also` takes an object: each side question with its answer.")
    said = {name: answer for name, answer in (given or {}).items() if answer is not None}
    questions = of_project(project)
    known = [one.name for one in questions]
    if unknown := [name for name in said if name not in known]:
        there = f"there are {', '.join(known)}" if known else "this project asks none"
        raise InvalidLabel(f'There is no side question "{str(unknown[0])[:60]}"; {there}.')
    parts = kinds.of_project(project).parts_of(value) if said else []
    return {one.name: _accepted(one, said[one.name], parts) for one in questions if one.name in said}


def _accepted(question: SideQuestion, value: Any, parts: Sequence[Any]) -> Any:
    if not question.is_asked(parts):
        when = ", ".join(map(str, question.when[:12]))
        raise InvalidLabel(f"`also.{question.name}` is not asked beside this answer, only beside {when}.")
    try:
        return question.kind.accept(value, question.labels)
    except InvalidLabel as why:
        raise InvalidLabel(f"`also.{question.name}`: {why}") from None


def misfit(project: Project, also: Mapping[str, Any], inputs: Mapping[str, Any]) -> str | None:
    """Why one of these accepted answers does not fit the item that it is about; None where all do."""
    for one in of_project(project):
        if one.name in also and one.kind.is_about_an_input and (why := one.kind.misfit(also[one.name], inputs)):
            return f"`also.{one.name}`: {why}"
    return None


def agree(
    project: Project, value: Any, votes: Sequence[Mapping[str, Any] | None], decided: Mapping[str, Any] | None = None
) -> dict[str, Any] | None:
    """What these votes agree on of each side question where the agreed answer is `value`, as a resolution stores it.

    `decided` is what a reviewer answered, which stands whatever was voted. None where nothing was said.
    """
    if not project.also_ask:
        return None
    parts = kinds.of_project(project).parts_of(value)
    found = {}
    for one in of_project(project):
        said = [vote[one.name] for vote in votes if vote and one.name in vote]
        if not one.is_asked(parts):
            continue
        if decided and one.name in decided:
            found[one.name] = _agreed(decided[one.name], "reviewer", 1.0, len(said))
        elif said:
            found[one.name] = _settled(one, said)
    return found or None


def _settled(question: SideQuestion, said: Sequence[Any]) -> dict[str, Any]:
    settled = question.kind.resolve(said)
    if settled is None:
        return _agreed(None, UNSETTLED, question.kind.agreement(said) or 0.0, len(said))
    return _agreed(settled.value, settled.rule, settled.quality, len(said))


def _agreed(value: Any, method: str, quality: float, votes: int) -> dict[str, Any]:
    return {"value": value, "method": method, "quality": quality, "votes": votes}


def known(said: Mapping[str, Any]) -> dict[str, Any] | None:
    """Accepted answers that came as known, as a resolution stores them."""
    return {name: _agreed(value, "known", 1.0, 0) for name, value in said.items()} or None


def values(also: Mapping[str, Any] | None) -> dict[str, Any]:
    """The agreed answers of a resolution by question, without those whose votes differ."""
    return {name: one["value"] for name, one in (also or {}).items() if one["value"] is not None}


def said_in_words(project: Project, said: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """What one person answered beside the decision: each question with the answer."""
    return [(one.words, one.describe(said[one.name])) for one in of_project(project) if said and one.name in said]


def agreed_in_words(project: Project, also: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """What was agreed of each side question, and how."""
    found = []
    for one in of_project(project):
        if also and one.name in also:
            agreed = also[one.name]
            words = "votes differ" if agreed["value"] is None else one.describe(agreed["value"])
            found.append((one.words, f"{words} ({agreed['method']}, {plural(agreed['votes'], 'vote,votes')})"))
    return found
