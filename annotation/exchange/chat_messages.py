"""Messages as tracing tools record them, in the many shapes of the frameworks that they trace, as turns."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

ROLES = {
    "system": "system",
    "developer": "developer",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "model": "assistant",
    "tool": "tool",
    "function": "function",
    "systemmessage": "system",
    "humanmessage": "user",
    "aimessage": "assistant",
    "toolmessage": "tool",
    "functionmessage": "function",
}
HOLDERS = ("messages", "input_messages", "output_messages", "choices", "generations")  # keys of lists of messages
WORDS = ("content", "text", "output", "answer", "response", "result", "input", "question", "query", "prompt")
Turns = list[dict[str, Any]]


def trace_turns(asked: Any, replied: Any) -> Turns:
    """The turns of a trace's input and output; an output that repeats the whole conversation stands for both."""
    before, after = list(_turns(asked, "user")), list(_turns(replied, "assistant"))
    return after if before and after[: len(before)] == before else before + after


def _turns(value: Any, role: str) -> Iterable[dict[str, Any]]:
    """Each message in a value; a text is a turn of this role."""
    if isinstance(value, str):
        parsed = _parsed(value)
        if parsed is value:
            yield from [{"role": role, "content": value}] if value.strip() else []
        else:
            yield from _turns(parsed, role)
    elif isinstance(value, list):
        for part in value:
            yield from _turns(part, role)
    elif isinstance(value, Mapping):
        yield from _of_mapping(value, role)
    elif value is not None:
        yield {"role": role, "content": str(value)}


def _of_mapping(value: Mapping[str, Any], role: str) -> Iterable[dict[str, Any]]:
    if "message" in value and isinstance(value["message"], Mapping):  # of OpenAI's choices, and of OpenInference
        yield from _of_mapping(value["message"], role)
    elif (spoken := _role(value)) is not None:
        yield _turn(value, spoken)
    elif holder := next((name for name in HOLDERS if isinstance(value.get(name), list)), None):
        yield from _turns(value[holder], role)
    elif words := next((name for name in WORDS if value.get(name) not in (None, "")), None):
        yield from _turns(value[words], role)
    elif value:
        yield {"role": role, "content": json.dumps(value, ensure_ascii=False)}


def _role(value: Mapping[str, Any]) -> str | None:
    """The role of a message; LangChain's serialised ones say it by their type or class."""
    named = value.get("role") or (value.get("type") if "content" in value or "data" in value else None)
    if named is None and isinstance(value.get("id"), list) and "kwargs" in value:
        named = value["id"][-1] if value["id"] else None
    return ROLES.get(named.lower()) if isinstance(named, str) else None


def _turn(value: Mapping[str, Any], role: str) -> dict[str, Any]:
    inner = next((value[name] for name in ("kwargs", "data") if isinstance(value.get(name), Mapping)), value)
    content = inner.get("content", inner.get("contents"))
    turn: dict[str, Any] = {"role": role, "content": _content(content)}
    extra = inner.get("additional_kwargs")
    calls = inner.get("tool_calls") or (extra.get("tool_calls") if isinstance(extra, Mapping) else None)
    if isinstance(calls, list) and (made := [_call(call) for call in calls if isinstance(call, Mapping)]):
        turn["tool_calls"] = made
    for name in ("name", "tool_call_id"):
        if isinstance(inner.get(name), str) and inner[name]:
            turn[name] = inner[name]
    if turn["content"] is None and "tool_calls" not in turn:
        turn["content"] = ""
    return turn


def _content(content: Any) -> Any:
    """A text, parts that each have a type, or anything else as its JSON."""
    if content is None or isinstance(content, str):
        return content
    parts = [_part(part) for part in content] if isinstance(content, list) else [None]
    if all(part is not None for part in parts):
        return parts
    return json.dumps(content, ensure_ascii=False)


def _part(part: Any) -> Any:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if not isinstance(part, Mapping):
        return None
    inner = part.get("message_content")  # OpenInference
    part = inner if isinstance(inner, Mapping) else part
    if not isinstance(part.get("type"), str):
        return None
    return part if part["type"] != "text" or isinstance(part.get("text"), str) else None


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    """A call in OpenAI's shape, from that, from LangChain's {name, args} or from OpenInference's {tool_call: …}."""
    inner = call.get("tool_call")
    call = inner if isinstance(inner, Mapping) else call
    function = call.get("function")
    named = function if isinstance(function, Mapping) else {"name": call.get("name"), "arguments": call.get("args")}
    arguments = named.get("arguments")
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {}, ensure_ascii=False)
    made: dict[str, Any] = {
        "type": "function",
        "function": {"name": str(named.get("name") or "tool"), "arguments": text},
    }
    return {"id": call["id"], **made} if isinstance(call.get("id"), str) else made


def _parsed(text: str) -> Any:
    """What a text holds where it is a JSON object or list, as some tools write them; else the text."""
    if text.lstrip()[:1] not in ("{", "["):
        return text
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return found if isinstance(found, dict | list) else text
