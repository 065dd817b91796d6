"""Conversation: turns of people, models and tools, in the shape of chat APIs."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from inputs.columns import Values, as_texts
from inputs.images import PixelBudget
from inputs.turns import (
    RESULTS,
    TurnRole,
    content_text,
    is_conversation,
    model_text,
    parse_turns,
    turn_lines,
    turn_words,
)
from inputs.types.base import BrokenRule, Column, Display, InvalidValue, Rule, Shape, shortened
from inputs.types.text import Text
from inputs.values import MISSING
from validation.json_values import is_deeper_than, is_storable

MOST_TURNS = 1000
MOST_CALLS = 128  # of one turn
MOST_PARTS = 1000  # of one turn
LONGEST = 1_000_000  # characters of the whole as JSON
LONGEST_NAME = 200
DEEPEST = 32  # levels of nesting
ROLES = ", ".join(TurnRole)


class Conversation(Text):
    """Turns with a role and a content, read by models as one text; keys that nobody reads are kept as they came."""

    name = "conversation"
    display: ClassVar[Display] = Display.CONVERSATION

    def example(self, rule: Rule) -> Any:
        return [{"role": "user", "content": "Where is my card?"}, {"role": "assistant", "content": "On its way."}]

    def validate(self, name: str, value: Any, rule: Rule, budget: PixelBudget) -> Any:
        if not isinstance(value, list):
            raise InvalidValue(f"`{name}` is {shortened(value)}; a list of turns with role and content is expected.")
        if not 1 <= len(value) <= MOST_TURNS:
            raise InvalidValue(f"`{name}` has {len(value):,} turns; 1 to {MOST_TURNS:,} are taken.", BrokenRule.LENGTH)
        for number, turn in enumerate(value, 1):
            if wrong := _turn_fault(turn):
                raise InvalidValue(f"`{name}`, turn {number}: {wrong}")
        if (length := len(json.dumps(value, ensure_ascii=False))) > LONGEST:
            raise InvalidValue(f"`{name}` has {length:,} characters; at most {LONGEST:,} are taken.", BrokenRule.LENGTH)
        return value

    def column_value(self, value: Any) -> Any:
        return model_text(value) if is_conversation(value) else value

    def frame_columns(self, name: str, values: Values, shape: Shape | None) -> dict[str, Column]:
        texts = [self.column_value(value) for value in values]
        return {f"conversation:{name}": as_texts(texts, MISSING, name)}

    def format(self, value: Any) -> str:
        """What was said, in its order; instructions and tools only where there is nothing else."""
        if not is_conversation(value):
            return str(value)
        turns = parse_turns(value)
        said = [turn for turn in turns if turn.role in (TurnRole.USER, TurnRole.ASSISTANT)] or turns
        return "\n".join(f"{turn.role}: {turn_words(turn)}" for turn in said)

    def search_text(self, value: Any) -> str:
        return "\n".join(turn_lines(value)) if is_conversation(value) else str(value)


def _turn_fault(turn: Any) -> str:
    """What is wrong with a turn, as the rest of a sentence; "" where nothing is."""
    if not isinstance(turn, Mapping):
        return f"it is {shortened(turn)}; an object with role and content is expected."
    if is_deeper_than(turn, DEEPEST):
        return f"it is nested more than {DEEPEST} levels deep."
    if not is_storable(turn):
        return "it holds a NUL, half a surrogate pair or a number that is not finite, which no database stores."
    if turn.get("role") not in list(TurnRole):
        return f"its role is {shortened(turn.get('role'))}; one of {ROLES} is expected."
    for key in ("name", "tool_call_id", "refusal"):
        if not isinstance(turn.get(key, ""), str | None):
            return f"its {key} is {shortened(turn[key])}; a text is expected."
    if len(turn.get("name") or "") > LONGEST_NAME:
        return f"its name has {len(turn['name']):,} characters; at most {LONGEST_NAME} are taken."
    return _content_fault(turn.get("content")) or _calls_fault(turn) or _emptiness_fault(turn)


def _content_fault(content: Any) -> str:
    if content is None or isinstance(content, str):
        return ""
    if not isinstance(content, list):
        return f"its content is {shortened(content)}; a text or a list of parts is expected."
    if len(content) > MOST_PARTS:
        return f"its content has {len(content):,} parts; at most {MOST_PARTS:,} are taken."
    for number, part in enumerate(content, 1):
        if not isinstance(part, Mapping) or not isinstance(part.get("type"), str):
            return f"part {number} of its content is {shortened(part)}; an object with a type is expected."
        if part["type"] == "text" and not isinstance(part.get("text"), str):
            return f"part {number} of its content is a text without its words, in `text`."
    return ""


def _calls_fault(turn: Mapping[str, Any]) -> str:
    calls = turn.get("tool_calls") or []
    if not isinstance(calls, list) or len(calls) > MOST_CALLS:
        return f"its tool_calls are no list of at most {MOST_CALLS} calls."
    single = turn.get("function_call")
    for number, call in enumerate([*calls, *([{"function": single}] if single else [])], 1):
        function = call.get("function") if isinstance(call, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            return f"call {number} of its tool_calls has no function with a name."
        if not isinstance(function.get("arguments", ""), str | Mapping):
            return f"the arguments of call {number} are {shortened(function['arguments'])}; JSON text is expected."
        if not isinstance(call.get("id", ""), str | None):
            return f"the id of call {number} is {shortened(call['id'])}; a text is expected."
    return ""


def _emptiness_fault(turn: Mapping[str, Any]) -> str:
    """A tool may give back nothing, and so may a model that only calls tools; everybody else says something."""
    silent = turn["role"] in RESULTS or turn.get("tool_calls") or turn.get("function_call") or turn.get("refusal")
    if silent or content_text(turn.get("content")) or isinstance(turn.get("content"), str):
        return ""
    return "it has neither content nor tool_calls."
