"""Ranking: the candidates of an item, the best one first. A value is the list of their ids.

Candidates are some of the inputs, whose ids are their names, or the turns of one conversation, whose ids are what the
turns give as `id`, else their places from "1". Two rankings agree by Kendall's distance (`kendall_score`); votes settle
on the ranking that the fewest pairs of them contradict (`settle_rankings`).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from msgspec import Meta

from annotation.kinds.base import (
    AnswerKeys,
    InputRules,
    Inputs,
    InvalidLabel,
    Labels,
    SettledValue,
    TaskKind,
    settle_where_equal,
)
from annotation.kinds.choice import listed
from annotation.kinds.ranking.kemeny import kendall_score, settle_rankings
from inputs.turns import is_conversation, parse_turns
from projects.project_settings import BadSpec, Settings

COMPARED = ("text", "conversation", "image")  # types of inputs that a person can hold against each other
MOST = 20  # candidates of an item
EXCERPT = 60  # characters of a candidate in the list
LETTERS = "ABCDEFGHIJKLMNOPQRST"


class RankingOptions(Settings, frozen=True, kw_only=True):
    """candidates: what is ranked; partial: whether an answer may name the best ones alone."""

    candidates: Annotated[
        list[str],
        Meta(
            max_length=MOST,
            title="What is ranked",
            description="the names of 2 to 20 inputs, or of one conversation whose turns are ranked",
            extra={"input_types": COMPARED},
        ),
    ] = []
    partial: Annotated[
        bool,
        Meta(
            title="An answer names",
            description="true where an answer may name the best candidates alone",
            extra={"words": {False: "every candidate", True: "the best ones, or every one"}},
        ),
    ] = False


class CandidateOrder(TaskKind):
    """The ids of the candidates in their order."""

    name = "ranking"
    title = "A ranking"
    place = 7
    needs_labels = False
    is_about_an_input = True
    options_type = RankingOptions
    distance_words = "share of pairs in another order"
    template = "annotation/kinds/ranking.html"
    review_template = "annotation/kinds/ranking_review.html"
    desk_module = "js/desk/ranking.js"

    def complete_options(self, given: Any, inputs: InputRules) -> dict[str, Any]:
        """Without a word about it all that can be compared but what was asked, which stands before three or more; of a
        single conversation its turns."""
        options = self.parse_options(given)
        assert isinstance(options, RankingOptions)
        fitting = [name for name, rule in inputs.items() if rule["type"] in COMPARED]
        spoken = [name for name in fitting if inputs[name]["type"] == "conversation"]
        alone = spoken if len(spoken) == 1 and len(fitting) <= 2 else fitting[1:] if len(fitting) > 2 else fitting
        candidates = options.candidates or alone[:MOST]
        known = len(set(candidates)) == len(candidates) and set(candidates) <= set(fitting)
        if not known or len(candidates) < (1 if set(candidates) <= set(spoken) else 2) or not candidates:
            types = f"{', '.join(COMPARED[:-1])} or {COMPARED[-1]}"
            raise BadSpec(f"answer.candidates takes 2 to {MOST} inputs of type {types}, or one conversation.")
        return {"candidates": candidates, "partial": options.partial}

    def validate(self, value: Any, labels: Labels) -> list[str]:
        if not isinstance(value, list) or not 1 <= len(value) <= MOST or not all(isinstance(one, str) for one in value):
            raise InvalidLabel(f"A list of 1 to {MOST} ids of candidates is expected, the best one first.")
        if twice := [one for place, one in enumerate(value) if one in value[:place]]:
            raise InvalidLabel(f'"{twice[0][:60]}" stands in the ranking twice.')
        return value

    def misfit(self, value: Any, inputs: Inputs) -> str | None:
        there = [one for one, _ in self.candidates(inputs)]
        if len(there) > MOST:
            return f"The item has {len(there):,} candidates; at most {MOST} are ranked."
        if unknown := [one for one in value if one not in there]:
            return f'"{unknown[0][:60]}" is not one of the candidates: {listed(there)}.'
        missing = [one for one in there if one not in value]
        return f'"{missing[0][:60]}" is not ranked.' if missing and not self.options.partial else None

    def candidates(self, inputs: Inputs) -> list[tuple[str, str]]:
        """Id and words of each candidate of an item, in the order of the item."""
        if self.asked_input:
            value: Any = inputs.get(self.asked_input)
            return _candidates_of_turns(value) if is_conversation(value) else []
        return [(name, _words(inputs[name])) for name in self.options.candidates if inputs.get(name) is not None]

    def describe(self, value: Any, labels: Labels) -> str:
        """Inputs by their letters, for their names may say who wrote which."""
        return ", ".join(self._letters().get(one, one) for one in value)

    def describe_beside(self, value: Any, labels: Labels, inputs: Inputs) -> str:
        return ", ".join(value)

    def _letters(self) -> dict[str, str]:
        return {} if self.asked_input else dict(zip(self.options.candidates, LETTERS, strict=False))

    def resolve(self, values: Sequence[Any]) -> SettledValue | None:
        if not values:
            return None
        if equal := settle_where_equal(values):
            return equal
        settled = settle_rankings(values)
        if not settled:
            return None
        return SettledValue(settled, "majority", sum(self.score(settled, value) for value in values) / len(values))

    def score(self, truth: Any, predicted: Any) -> float:
        return kendall_score(truth, predicted)

    @property
    def asked_input(self) -> str:
        """The conversation whose turns are ranked."""
        return str(self.options.candidates[0]) if len(self.options.candidates) == 1 else ""

    def about(self, inputs: Inputs) -> Any:
        found = self.candidates(inputs)
        return [{"id": one, "words": words} for one, words in found[:MOST]]

    def form(self, labels: Labels) -> dict[str, Any]:
        return {"asked": self.asked_input, "partial": self.options.partial}

    def parse_form(self, given: Mapping[str, Any]) -> Any:
        try:
            return json.loads(given.get("value", ""))
        except ValueError:
            raise InvalidLabel("Choose whose ranking is right, or rank the candidates at the desk.") from None

    def answer_keys(self, labels: Labels) -> tuple[AnswerKeys, ...]:
        return (
            AnswerKeys("Previous or next candidate", (("↑", "↑"), ("↓", "↓"))),
            AnswerKeys("Give the candidate its place, 0 is the tenth", (("1", "0"),)),
            AnswerKeys("One place up or down", (("⇧↑", "⇧↑"), ("⇧↓", "⇧↓"))),
            AnswerKeys("Take its place away", (("Del", "Del"),)),
            AnswerKeys("Send the ranking", (("Enter", "Enter"),)),
        )


def _candidates_of_turns(value: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """By the ids of the turns where each has one of its own, else by their places."""
    ids = [turn.get("id") for turn in value]
    texts = [one for one in ids if isinstance(one, str) and one]
    named = texts if len(set(texts)) == len(value) else [str(place) for place in range(1, len(value) + 1)]
    return [(one, _shortened(turn.text)) for one, turn in zip(named, parse_turns(value), strict=True)]


def _words(value: Any) -> str:
    if isinstance(value, str):
        return _shortened(value)
    return _shortened(parse_turns(value)[-1].text) if is_conversation(value) and value else ""


def _shortened(text: str) -> str:
    line = " ".join(text[: 4 * EXCERPT].split())
    return line if len(line) <= EXCERPT else f"{line[: EXCERPT - 1]}…"


KIND = CandidateOrder()
