"""Items of a Label Studio `List` (id, title, body) as the turns of a conversation whose turns are ranked, and back."""

from collections.abc import Mapping
from typing import Any

from inputs.turns import content_text, is_conversation


def to_turns(items: Any) -> Any:
    """Each item as a turn with the same keys and a content; anything else as it is."""
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        return items
    turns = [_to_turn(item) for item in items]
    if [turn.get("id") for turn in turns] == [str(place) for place in range(1, len(turns) + 1)]:
        return [{name: part for name, part in turn.items() if name != "id"} for turn in turns]  # so they count anyway
    return turns


def to_list(turns: Any) -> Any:
    """Each turn with what a List shows of it besides; anything else as it is."""
    if not is_conversation(turns):
        return turns
    return [
        {"id": str(place), "title": "", "body": content_text(turn.get("content")), **turn}
        for place, turn in enumerate(turns, 1)
    ]


def _to_turn(item: Mapping[str, Any]) -> dict[str, Any]:
    number = item.get("id")
    kept = {**item, "id": str(number)} if isinstance(number, int) and not isinstance(number, bool) else dict(item)
    if "role" not in item:
        words = [part for part in (item.get("title"), item.get("body")) if isinstance(part, str) and part]
        return {"role": "assistant", "content": "\n\n".join(words), **kept}
    if kept.get("title") == "" and kept.get("body") == content_text(item.get("content")):
        kept = {name: part for name, part in kept.items() if name not in ("title", "body")}
    return kept
