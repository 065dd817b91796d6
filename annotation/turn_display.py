"""A conversation as a page shows it: turns with their role, Markdown as HTML, tool calls as readable blocks."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.safestring import SafeString

from annotation.markdown_html import turn_html
from inputs.turns import INSTRUCTIONS, RESULTS, ToolCall, Turn, TurnRole, parse_turns

ROLE_NAMES = {
    TurnRole.SYSTEM: "System",
    TurnRole.DEVELOPER: "Developer",
    TurnRole.USER: "User",
    TurnRole.ASSISTANT: "Assistant",
    TurnRole.TOOL: "Tool",
    TurnRole.FUNCTION: "Tool",
}
LONG = 1200  # characters of an earlier turn from which it is folded
LONG_ASIDE = 300  # of instructions, arguments and results
MOST_MARKDOWN = 30_000  # characters of one conversation, the last turns first; the rest is plain text
SHOWN_TURNS = 30  # the last ones; the others stand folded above them
EXCERPT = 100  # characters that the line of a folded turn shows


@dataclass(frozen=True)
class DisplayedCall:
    """A call of a tool: its arguments, laid out where they are JSON."""

    name: str
    arguments: str

    @property
    def folded(self) -> bool:
        return len(self.arguments) > LONG_ASIDE


@dataclass(frozen=True)
class DisplayedTurn:
    """One turn. `html` is None where the text is shown as it stands; `quiet`: not said by a user or an assistant."""

    who: str
    text: str
    html: SafeString | None
    calls: tuple[DisplayedCall, ...]
    quiet: bool
    folded: bool

    @property
    def excerpt(self) -> str:
        line = " ".join(self.text[: 2 * EXCERPT].split())
        return line if len(line) <= EXCERPT else f"{line[:EXCERPT]}…"


@dataclass(frozen=True)
class DisplayedConversation:
    """A stored conversation; `excerpt` is what was said, for a line without space for more."""

    name: str
    value: Sequence[Mapping[str, Any]]
    excerpt: str

    @property
    def earlier(self) -> Sequence[DisplayedTurn]:
        """The turns that stand folded above the others."""
        return self._displayed[:-SHOWN_TURNS]

    @property
    def turns(self) -> Sequence[DisplayedTurn]:
        """The last turns, in their order."""
        return self._displayed[-SHOWN_TURNS:]

    @cached_property
    def _displayed(self) -> Sequence[DisplayedTurn]:
        """All turns; made where a page shows them. The last ones get their Markdown first."""
        turns, left = parse_turns(self.value), MOST_MARKDOWN
        tools = {call.call_id: call.name for turn in turns for call in turn.calls if call.call_id}
        found: list[DisplayedTurn] = []
        for turn in reversed(turns):
            left -= len(turn.text)
            found.append(_displayed_turn(turn, tools, markdown=left >= 0, last=not found))
        return found[::-1]


def _displayed_turn(turn: Turn, tools: Mapping[str, str], *, markdown: bool, last: bool) -> DisplayedTurn:
    quiet = turn.role in INSTRUCTIONS or turn.role in RESULTS
    written = _laid_out(turn.text) if turn.role in RESULTS else turn.text
    plain = turn.role in RESULTS or not markdown
    return DisplayedTurn(
        who=_speaker(turn, tools),
        text=written,
        html=None if plain else turn_html(turn.text),
        calls=tuple(_displayed_call(call) for call in turn.calls),
        quiet=quiet,
        folded=len(written) > (LONG_ASIDE if quiet else LONG) and not (last and not quiet),
    )


def _speaker(turn: Turn, tools: Mapping[str, str]) -> str:
    role, name = ROLE_NAMES[TurnRole(turn.role)], turn.name or tools.get(turn.answers, "")
    return f"{role} {name}" if name else role


def _displayed_call(call: ToolCall) -> DisplayedCall:
    return DisplayedCall(call.name, _laid_out(call.arguments))


def _laid_out(text: str) -> str:
    """JSON on lines of its own; anything else as it is."""
    try:
        value = json.loads(text)
        return json.dumps(value, indent=2, ensure_ascii=False) if isinstance(value, dict | list) else text
    except (ValueError, RecursionError):
        return text
