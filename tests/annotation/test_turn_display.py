"""A conversation on pages: every turn as it was written, nothing in it interpreted as HTML, long parts folded."""

import re
from typing import Any

import pytest
from django.template.loader import render_to_string
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.item_display import display_conversation, display_item
from annotation.markdown_html import turn_html
from tests.factories import make_item, make_project

CHAT: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief. " * 40},
    {"role": "user", "content": "# Hello\n\n<script>alert(1)</script> and <b>bold</b>"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "function": {"name": "find", "arguments": '{"a":1}'}}],
    },
    {"role": "tool", "tool_call_id": "c1", "content": '{"rows": [1, 2]}'},
    {"role": "assistant", "content": "Two:\n\n- **1**\n- 2\n\n```\ncode <x>\n```"},
]


def _page(value: list[dict[str, Any]]) -> str:
    shown = display_conversation("chat", value, "conversation")
    return render_to_string("parts/conversation.html", {"conversation": shown})


def test_turns_stand_by_role_and_a_result_names_its_tool() -> None:
    speakers = [re.sub(r"\s+", " ", who) for who in re.findall(r'class="who">([^<]*)<', _page(CHAT))]
    assert speakers == ["System", "User", "Assistant", "Tool find", "Assistant"]


def test_markdown_is_laid_out_and_html_is_shown_as_it_was_written() -> None:
    page = _page(CHAT)
    assert "<li><strong>1</strong></li>" in page and "code &lt;x&gt;" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; and &lt;b&gt;bold&lt;/b&gt;" in page
    assert "<script" not in page and not re.search("<h[1-6]", page)


def test_arguments_and_results_that_are_json_stand_on_lines() -> None:
    page = _page(CHAT)
    assert "<pre>{\n  &quot;a&quot;: 1\n}</pre>" in page
    assert "&quot;rows&quot;: [\n    1,\n    2\n  ]" in page


def test_long_instructions_and_earlier_turns_are_folded_and_the_last_turn_never_is() -> None:
    long = [{"role": role, "content": "word " * 400} for role in ("system", "user", "assistant")]
    displayed = display_conversation("chat", long, "conversation").turns
    assert [turn.folded for turn in displayed] == [True, True, False]


def test_the_earliest_of_many_turns_stand_folded_above_the_others() -> None:
    many = [{"role": "user", "content": f"turn {i}"} for i in range(45)]
    page = _page(many)
    assert "15\N{NO-BREAK SPACE}earlier turns" in page and page.count('<li class="turn') == 45
    assert page.index("turn 14") < page.index("turn 15")


def test_markdown_of_a_long_conversation_is_laid_out_from_its_end() -> None:
    long = [{"role": "user", "content": "*a* " * 5000}, {"role": "user", "content": "*b* " * 5000}]
    first, last = display_conversation("chat", long, "conversation").turns
    assert first.html is None and last.html is not None


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("![a picture](https://x.example/p.png)", ["a picture", "https://x.example/p.png"]),
        ("see [1]\n\n[1]: https://x.example/source", ["[1]: https://x.example/source"]),
        ("[go](javascript:alert(1))", ["go"]),
    ],
)
def test_nothing_that_was_written_is_left_out_and_nothing_loads(text: str, kept: list[str]) -> None:
    html = turn_html(text)
    assert all(words in html for words in kept)
    assert "<img" not in html and "javascript:" not in html


@given(st.text(alphabet="<>[]()!*_`#&;:\"'/\\-+=|~ \n\tabjh1", max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_text_becomes_allowed_tags_only(text: str) -> None:
    tags = set(re.findall(r"<([a-z0-9]+)", turn_html(text)))
    assert not tags & {"script", "img", "style", "iframe", "form", "input", "svg", "object", "h1", "h2"}


@pytest.mark.parametrize("text", [">" * 5000 + " a", "<![", "- " * 3000 + "a", "[" * 3000, "*" * 3000, "`" * 3001])
def test_text_that_breaks_the_markdown_library_is_shown_all_the_same(text: str) -> None:
    assert turn_html(text)


@pytest.mark.django_db
def test_an_item_shows_a_conversation_and_a_card_its_beginning() -> None:
    project = make_project(inputs={"chat": {"type": "conversation"}, "lang": {"type": "category"}})
    item = make_item(project, inputs={"chat": CHAT, "lang": "en"})
    shown = display_item(project, item)
    assert [one.name for one in shown.conversations] == ["chat"] and shown.facts == (("lang", "en"),)
    assert shown.excerpts[0][1].startswith("user: # Hello")
    older = make_item(project, inputs={"chat": "free words", "lang": "en"})
    assert display_item(project, older).facts == (("chat", "free words"), ("lang", "en"))
