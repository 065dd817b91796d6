"""Label Studio's labelling interface: read as a project's spec, written from a project, and read back the same."""

import pytest

from annotation.exchange.label_config import CONTROLS, parse_label_config, write_label_config
from annotation.exchange.rows import ProjectShape, UnusableFile

CHOICES = """<View>
  <!-- what came in -->
  <Header value="Intent"/>
  <Text name="message" value="$text"/>
  <Choices name="intent" toName="message" choice="single-radio" showInLine="true">
    <Choice value="Refund &amp; return" alias="refund" hotkey="r"/>
    <Choice value="billing" hint="Anything with an invoice"/>
  </Choices>
  <TextArea name="why" toName="message"/>
</View>"""


def test_a_configuration_of_choices_is_a_spec() -> None:
    config = parse_label_config("\ufeff" + CHOICES)
    assert config.spec("Intents") == {
        "title": "Intents",
        "kind": "choice",
        "inputs": {"text": {"type": "text"}},
        "labels": [
            {"value": "refund", "title": "Refund & return", "key": "r"},
            {"value": "billing", "hint": "Anything with an invoice"},
        ],
    }
    assert (config.control, config.shown, config.left_out) == ("intent", "message", ("why",))


@pytest.mark.parametrize(
    ("control", "kind", "shown", "inputs"),
    [
        ('<Choices name="c" toName="x" choice="multiple"><Choice value="a"/></Choices>', "choices", "Text", "text"),
        ('<Labels name="c" toName="x"><Label value="a"/></Labels>', "spans", "HyperText", "text"),
        ('<Rating name="c" toName="x"/>', "rating", "Chat", "conversation"),
        ('<TextArea name="c" toName="x"/>', "text", "Paragraphs", "conversation"),
        ('<RectangleLabels name="c" toName="x"><Label value="a"/></RectangleLabels>', "boxes", "Image", "image"),
        ('<Ranker name="c" toName="x"/>', "ranking", "List", "conversation"),
    ],
)
def test_each_control_is_the_kind_of_task_that_it_asks(control: str, kind: str, shown: str, inputs: str) -> None:
    config = parse_label_config(f'<View><{shown} name="x" value="$data"/>{control}</View>')
    assert (config.kind, dict(config.inputs)) == (kind, {"data": inputs})


@pytest.mark.parametrize("kind", sorted(CONTROLS))
def test_what_is_written_asks_the_same(kind: str) -> None:
    labels = [{"value": "a", "title": "A & b"}, {"value": "b", "key": "2"}] if CONTROLS[kind].label_tag else []
    project = ProjectShape(kind, labels, {"text": "text", "scan": "image", "chat": "conversation"})
    config = parse_label_config(write_label_config(project))
    assert (config.kind, list(config.labels), dict(config.inputs)) == (kind, labels, dict(project.inputs))
    assert config.shown == "text"


def test_the_options_of_a_kind_are_written() -> None:
    names = {"note": "text", "body": "text"}
    spans = write_label_config(ProjectShape("spans", [{"value": "a"}], names, shown="body"))
    assert parse_label_config(spans).shown == "body"
    replies = ProjectShape("ranking", [], {"text": "text", "replies": "conversation"}, shown="replies")
    assert '<List name="replies" value="$replies" />' in write_label_config(replies)
    assert parse_label_config(write_label_config(replies)).shown == "replies"
    rating = parse_label_config(write_label_config(ProjectShape("rating", [], names, highest=10)))
    assert rating.spec("Stars")["answer"] == {"highest": 10}


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        ("<View>", "is not XML"),
        ("", "is not XML"),
        ('<View><Text name="t" value="$t"/></View>', "asks nothing that is known here: Choices, Labels"),
        ('<View><Choices name="c" toName="t"><Choice value="a"/></Choices></View>', "shows no data"),
        ('<View><Text name="t" value="$t"/><Choices name="c" toName="t"><Choice/></Choices></View>', "has no value"),
        ('<!DOCTYPE v [<!ENTITY a "b">]><View>&a;</View>', "declares a document type or entities"),
        ("<View>" + "x" * 1_000_001 + "</View>", "at most 1,000,000"),
    ],
)
def test_anything_else_is_refused_in_words(xml: str, words: str) -> None:
    with pytest.raises(UnusableFile, match=words):
        parse_label_config(xml)


def test_a_project_that_label_studio_cannot_ask_is_refused_in_words() -> None:
    with pytest.raises(UnusableFile, match="no control for projects of kind interval"):
        write_label_config(ProjectShape("interval", [], {"text": "text"}))
