"""Turns of a conversation in the shape of chat APIs: who said what, which tools were called, what they gave back."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class TurnRole(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"
    FUNCTION = "function"  # what OpenAI called a tool at first


INSTRUCTIONS = (TurnRole.SYSTEM, TurnRole.DEVELOPER)
RESULTS = (TurnRole.TOOL, TurnRole.FUNCTION)
WORDS_OF_A_PART = ("text", "refusal")  # the keys that hold words; anything else in a part is named, not written out


@dataclass(frozen=True)
class ToolCall:
    """A call of a tool by a model; `arguments` as text, mostly JSON."""

    name: str
    arguments: str
    call_id: str = ""


@dataclass(frozen=True)
class Turn:
    """One turn. `name`: of the speaker or of the tool; `answers`: the call_id whose result it is."""

    role: str
    text: str
    name: str = ""
    calls: tuple[ToolCall, ...] = ()
    answers: str = ""


def is_conversation(value: Any) -> bool:
    """Whether a stored value is one: an item may be older than the contract that calls its input a conversation."""
    return isinstance(value, list) and all(isinstance(turn, Mapping) and "role" in turn for turn in value)


def parse_turns(value: Sequence[Mapping[str, Any]]) -> list[Turn]:
    """The turns of a conversation that was checked when it came in."""
    return [_parse_turn(turn) for turn in value]


def turn_lines(value: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Each turn as `role: words`, with its calls as `name(arguments)`."""
    for turn in parse_turns(value):
        yield f"{turn.role}: {turn_words(turn)}"


def turn_words(turn: Turn) -> str:
    """What the turn says and calls, as one text."""
    return "\n".join(filter(None, [turn.text, *(f"{call.name}({call.arguments})" for call in turn.calls)]))


def model_text(value: Sequence[Mapping[str, Any]]) -> str:
    """The conversation as models read it: the last turn first, instructions at the end.

    A text encoder reads the first tokens of a text only, and what a conversation is about and comes to stands in its
    last turns; the instructions of a product are the same in all of its conversations.
    """
    turns = parse_turns(value)
    said = [turn for turn in turns if turn.role not in INSTRUCTIONS]
    instructions = [turn for turn in turns if turn.role in INSTRUCTIONS]
    return "\n".join(filter(None, map(turn_words, [*reversed(said), *instructions])))


def content_text(content: Any) -> str:
    """The words of a turn's content: a text, or a list of parts of which those without words are named."""
    if isinstance(content, str):
        return content
    return "\n".join(filter(None, map(_part_text, content or [])))


def _part_text(part: Mapping[str, Any]) -> str:
    for key in WORDS_OF_A_PART:
        if isinstance(part.get(key), str):
            return str(part[key])
    return f"[{part['type']}]"


def _parse_turn(turn: Mapping[str, Any]) -> Turn:
    text = "\n".join(filter(None, [content_text(turn.get("content")), turn.get("refusal")]))
    given = list(turn.get("tool_calls") or [])
    if call := turn.get("function_call"):
        given.append({"function": call})
    calls = tuple(_parse_call(call) for call in given)
    return Turn(str(turn["role"]), text, turn.get("name") or "", calls, turn.get("tool_call_id") or "")


def _parse_call(call: Mapping[str, Any]) -> ToolCall:
    function = call["function"]
    arguments = function.get("arguments", "")
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return ToolCall(function["name"], text, call.get("id") or "")
