"""Label Studio's `label_config`: the XML of its labelling interface as a project's spec, and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from annotation.exchange.rows import ProjectShape, UnusableFile
from validation.json_values import quote

LONGEST = 1_000_000
OBJECTS = {  # tags that show data, and the input type of what they show
    "Text": "text",
    "HyperText": "text",
    "Image": "image",
    "Number": "number",
    "Paragraphs": "conversation",
    "Chat": "conversation",
    "List": "conversation",
}
SHOWN_BY = {"conversation": "Chat", "image": "Image"}  # any other type is shown as Text


@dataclass(frozen=True)
class ControlTag:
    """A tag that asks: the kind of task it is, the tag of one of its labels, and the type of a result of it."""

    tag: str
    kind: str
    label_tag: str
    result_type: str


CONTROLS = {
    control.kind: control
    for control in (
        ControlTag("Choices", "choice", "Choice", "choices"),
        ControlTag("Choices", "choices", "Choice", "choices"),
        ControlTag("Labels", "spans", "Label", "labels"),
        ControlTag("Rating", "rating", "", "rating"),
        ControlTag("TextArea", "text", "", "textarea"),
        ControlTag("RectangleLabels", "boxes", "Label", "rectanglelabels"),
        ControlTag("Pairwise", "pair", "", "pairwise"),
        ControlTag("Ranker", "ranking", "", "ranker"),
    )
}
PAIR = ("a", "b", "tie", "neither")  # Pairwise takes left and right alone, so a pair is asked with choices
TAGS = {control.tag for control in CONTROLS.values()}


@dataclass(frozen=True)
class LabelConfig:
    """What a configuration asks. `control` and `shown` are the names that results give as from_name and to_name."""

    kind: str
    labels: tuple[dict[str, Any], ...]
    inputs: Mapping[str, str]
    control: str
    shown: str
    left_out: tuple[str, ...] = ()  # controls beside the first one, by name
    answer: Mapping[str, Any] = field(default_factory=dict)  # the kind's options

    def spec(self, title: str) -> dict[str, Any]:
        """The spec of a project that asks the same."""
        inputs = {name: {"type": kind} for name, kind in self.inputs.items()}
        given: dict[str, Any] = {"title": title, "kind": self.kind, "inputs": inputs}
        given |= {"answer": dict(self.answer)} if self.answer else {}
        return {**given, "labels": list(self.labels)} if self.labels else given


def parse_label_config(xml: str) -> LabelConfig:
    """Read a configuration; the first tag that asks counts. Raises UnusableFile."""
    root = _parse_xml(xml)
    controls = [element for element in root.iter() if element.tag in TAGS]
    if not controls:
        raise UnusableFile(f"The label_config asks nothing that is known here: {', '.join(sorted(TAGS))}.")
    first = controls[0]
    kind = _kind_of(first)
    inputs = _inputs(root)
    if not inputs:
        raise UnusableFile('The label_config shows no data: a tag such as <Text name="text" value="$text"/> is needed.')
    labels = tuple(_label(element) for element in first.iter(CONTROLS[kind].label_tag)) if _has_labels(kind) else ()
    return LabelConfig(
        kind=kind,
        labels=labels,
        inputs=inputs,
        control=first.get("name", "answer"),
        shown=first.get("toName", "").split(",")[0] or next(iter(inputs)),
        left_out=tuple(element.get("name", element.tag) for element in controls[1:]),
        answer=_options(first),
    )


def _options(element: ElementTree.Element) -> dict[str, Any]:
    """The options of the kind that the control asks: where a rating ends."""
    last = element.get("maxRating", "")
    return {"highest": int(last)} if element.tag == "Rating" and last.isascii() and last.isdigit() else {}


def side_control(name: str) -> str:
    """The name of the control that asks a side question."""
    return f"also_{name}"


def write_label_config(project: ProjectShape, *, control: str = "answer") -> str:
    """The configuration that asks what the project asks. Raises UnusableFile where Label Studio has no tag for it.

    Side questions are further controls, which Label Studio shows beside the answers that open them where these are
    choices; one of a kind that it has no tag for is left out.
    """
    if project.kind not in CONTROLS:
        raise UnusableFile(f"Label Studio has no control for projects of kind {project.kind}.")
    known = CONTROLS["choice" if project.kind == "pair" else project.kind]
    view = ElementTree.Element("View")
    for name, kind in project.inputs.items():
        ranked = project.kind == "ranking" and name == project.shown
        tag = "List" if ranked else SHOWN_BY.get(kind, "Text")
        ElementTree.SubElement(view, tag, {"name": name, "value": f"${name}"})
    asked = {"name": control, "toName": shown_input(project)}
    _add_control(view, asked, project.kind, project.labels, project.highest)
    for one in project.also:
        if one.kind in CONTROLS:
            asked = {"name": side_control(one.name), "toName": one.shown or shown_input(project)}
            asked |= {"required": "true"} if one.required else {}
            if one.when and known.tag == "Choices":
                asked |= {"visibleWhen": "choice-selected", "whenTagName": control}
                asked["whenChoiceValue"] = ",".join(map(str, one.when))
            _add_control(view, asked, one.kind, one.labels, one.highest)
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + "\n"


def _add_control(
    view: ElementTree.Element, asked: dict[str, str], kind: str, labels: Sequence[Mapping[str, Any]], highest: int
) -> None:
    known = CONTROLS["choice" if kind == "pair" else kind]
    tag = ElementTree.SubElement(view, known.tag, asked)
    if known.tag == "Choices":
        tag.set("choice", "multiple" if kind == "choices" else "single")
    if known.tag == "Rating":
        tag.set("maxRating", str(highest))
    for label in [{"value": value} for value in PAIR] if kind == "pair" else labels:
        if known.label_tag:
            ElementTree.SubElement(tag, known.label_tag, _label_attributes(label))


def shown_input(project: ProjectShape) -> str:
    """The input that results are about: what people read or see, else the first one."""
    return project.shown or project.first_input("text", "conversation", "image") or next(iter(project.inputs))


def _parse_xml(xml: str) -> ElementTree.Element:
    if len(xml) > LONGEST:
        raise UnusableFile(f"The label_config has {len(xml):,} characters; at most {LONGEST:,} are taken.")
    if "<!" in xml.replace("<!--", ""):  # entities that expand without end are declared there
        raise UnusableFile("The label_config declares a document type or entities, which are not taken.")
    try:
        return ElementTree.fromstring(xml.removeprefix("\ufeff").strip())  # noqa: S314  nothing is declared in it
    except ElementTree.ParseError as why:
        raise UnusableFile(f"The label_config is not XML: {why}.") from None


def _kind_of(element: ElementTree.Element) -> str:
    if element.tag == "Choices":
        if tuple(label.get("value") for label in element.iter("Choice")) == PAIR:
            return "pair"
        return "choice" if element.get("choice", "single").startswith("single") else "choices"
    return next(control.kind for control in CONTROLS.values() if control.tag == element.tag)


def _has_labels(kind: str) -> bool:
    return bool(CONTROLS[kind].label_tag)


def _inputs(root: ElementTree.Element) -> dict[str, str]:
    """Names in the data, as `$name` says them, with the types of the tags that show them."""
    shown = ((element.get("value", ""), OBJECTS[element.tag]) for element in root.iter() if element.tag in OBJECTS)
    return {value[1:]: kind for value, kind in shown if value.startswith("$") and len(value) > 1}


def _label(element: ElementTree.Element) -> dict[str, Any]:
    """A label of the schema: an alias is what results hold, and the value then is what people read."""
    shown, alias = element.get("value", ""), element.get("alias")
    if not (alias or shown):
        raise UnusableFile(
            f"A label of the label_config has no value: {quote(ElementTree.tostring(element).decode())}."
        )
    given = {"value": alias or shown, "title": shown if alias else None}
    given |= {"key": element.get("hotkey"), "hint": element.get("hint")}
    return {name: value for name, value in given.items() if value}


def _label_attributes(label: Mapping[str, Any]) -> dict[str, str]:
    title = label.get("title")
    given = {"value": title or label["value"], "alias": label["value"] if title else None}
    given |= {"hotkey": label.get("key"), "hint": label.get("hint")}
    return {name: str(value) for name, value in given.items() if value}
