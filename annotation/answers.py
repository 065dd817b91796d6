"""Answers of people as they are checked before they are stored."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, TypedDict

from annotation import kinds, side_answers
from annotation.models import LabelState, Lease
from projects.models import Project
from validation import InvalidInput
from validation.json_values import is_finite_number, is_storable

LONGEST_COMMENT = 2000
MOST_SECONDS = 24 * 3600.0


class AnswerRefused(InvalidInput):
    """An answer or an undo that cannot be taken; the message says why, `status` is the HTTP answer's."""

    def __init__(self, message: str, status: int = 409) -> None:
        super().__init__(message)
        self.status = status


class GivenAnswer(TypedDict, total=False):
    """What a person's answer has: its value and its side answers, or a skip; nothing of it is checked yet."""

    value: Any
    also: Any
    skip: Any
    flagged: Any
    comment: Any
    seconds: Any


@dataclass(frozen=True)
class ValidAnswer:
    """A checked answer; the same hash is the same answer. Seconds are left out: a retry may count them anew.

    `said` is the value as it was sent, which differs where a label in it was merged while the person worked.
    """

    said: Any
    value: Any
    also: dict[str, Any]
    skip: bool
    flagged: bool
    comment: str
    seconds: float | None

    @property
    def state(self) -> LabelState:
        return LabelState.SKIPPED if self.skip else LabelState.GIVEN

    @property
    def hash(self) -> str:
        parts = [self.said, self.skip, self.flagged, self.comment, *([self.also] if self.also else [])]
        body = json.dumps(parts, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(body.encode()).hexdigest()

    def check_fit(self, lease: Lease) -> None:
        """Raise AnswerRefused where the value does not fit the item; most kinds need not read it."""
        kind = kinds.of_project(lease.project)
        if kind.is_about_an_input and not self.skip and (why := kind.misfit(self.value, lease.item.inputs)):
            raise AnswerRefused(why, 422)
        if self.also and (why := side_answers.misfit(lease.project, self.also, lease.item.inputs)):
            raise AnswerRefused(why, 422)


def validate_answer(
    project: Project,
    *,
    value: Any = None,
    also: Any = None,
    skip: Any = False,
    flagged: Any = False,
    comment: Any = "",
    seconds: Any = None,
) -> ValidAnswer:
    """The answer as it is stored. Raises AnswerRefused with a sentence that says what is taken."""
    if not isinstance(skip, bool) or not isinstance(flagged, bool):
        raise AnswerRefused("`skip` and `flagged` take true or false.", 422)
    if skip and (value is not None or also):
        raise AnswerRefused("A skip carries no value; send one or the other.", 422)
    if not isinstance(comment, str) or len(comment) > LONGEST_COMMENT or not is_storable(comment):
        raise AnswerRefused(f"`comment` takes a text of at most {LONGEST_COMMENT:,} characters.", 422)
    if seconds is not None and not (is_finite_number(seconds) and 0 <= seconds <= MOST_SECONDS):
        raise AnswerRefused(f"`seconds` takes a number from 0 to {MOST_SECONDS:,.0f}.", 422)
    if skip:
        return ValidAnswer(None, None, {}, True, flagged, comment.strip(), seconds)
    kind, labels = kinds.of_project(project), project.schema().labels
    try:
        checked = kind.accept(value, labels)
        beside = side_answers.accept(project, checked, also)
    except kinds.InvalidLabel as why:
        raise AnswerRefused(str(why), 422) from None
    merged = kind.replace_labels(value, kinds.successors(labels)) != value
    return ValidAnswer(value if merged else checked, checked, beside, False, flagged, comment.strip(), seconds)
