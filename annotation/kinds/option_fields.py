"""The form of a kind's options: one field for each that the kind declares, for every page on which they are chosen.

What a field takes follows from the option's type: one of a few words, yes or no, a whole number, a text or, by
`input_types` in the `extra` of its description, inputs of such a type; `each` names a field for each of several inputs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from annotation.kinds.base import InputRules, TaskKind
from projects.project_settings import BadSpec

YES, NO = "yes", "no"


class SentForm(Protocol):
    """A form as it was sent, such as request.POST."""

    def getlist(self, key: str) -> list[str]: ...


@dataclass(frozen=True)
class OptionField:
    """One field: how it is called in the form and on the page, what it holds, and what can be chosen; of `many` choices
    any number, which are `values`."""

    name: str
    title: str
    value: str
    choices: tuple[tuple[str, str], ...] = ()
    many: bool = False
    values: tuple[str, ...] = ()
    number: bool = False
    lowest: int | None = None
    highest: int | None = None
    longest: int | None = None


def option_fields(kind: TaskKind, chosen: Mapping[str, Any], inputs: InputRules) -> list[OptionField]:
    """The fields of the kind's options with what was chosen, else what a project with these inputs would get."""
    try:
        values = {**kind.complete_options({}, inputs), **chosen}
    except BadSpec:
        values = dict(chosen)
    return [field for option in _options(kind) for field in _fields(kind, option, values, inputs)]


def chosen_options(kind: TaskKind, given: SentForm, inputs: InputRules) -> dict[str, Any]:
    """The options as a spec has them, not yet checked: without what is as the kind has it anyway.

    An input that is none any more, or of another type, is left out: the form chooses another one.
    """
    found = {}
    for option in _options(kind):
        texts = [text.strip() for text in given.getlist(_name(kind, option.name))]
        value = _value(option, texts, inputs)
        if value is not None and value != _default(option):
            found[option.name] = value
    return found


def _options(kind: TaskKind) -> Sequence[Any]:
    described = msgspec.inspect.type_info(kind.options_type)
    return described.fields if isinstance(described, msgspec.inspect.StructType) else ()


def _name(kind: TaskKind, option: str) -> str:
    return f"answer-{kind.name}-{option}"


def _described(option: Any) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """Type, description and extra of an option."""
    if isinstance(option.type, msgspec.inspect.Metadata):
        return option.type.type, option.type.extra_json_schema or {}, option.type.extra or {}
    return option.type, {}, {}


def _default(option: Any) -> Any:
    return option.default if option.default_factory is msgspec.NODEFAULT else option.default_factory()


def _fields(kind: TaskKind, option: Any, values: Mapping[str, Any], inputs: InputRules) -> Iterator[OptionField]:
    found, described, extra = _described(option)
    name, title = _name(kind, option.name), described.get("title", option.name.replace("_", " ").capitalize())
    value = values.get(option.name, _default(option))
    fitting = _fitting(extra, inputs)
    chosen = value if isinstance(value, list) else [value]
    if fitting and isinstance(found, msgspec.inspect.ListType) and "each" not in extra:
        choices = tuple((each, each) for each in fitting)
        yield OptionField(name, title, "", choices, many=True, values=tuple(map(str, chosen)))
    elif fitting:
        for place, one in enumerate(extra.get("each", (title,))):
            none = (("", extra["none"]),) if "none" in extra else ()
            at = str(chosen[place]) if place < len(chosen) else ""
            yield OptionField(name, one, at, (*none, *((each, each) for each in fitting)))
    elif isinstance(found, msgspec.inspect.LiteralType):
        words = extra.get("words", {})
        yield OptionField(name, title, str(value), tuple((str(one), words.get(one, str(one))) for one in found.values))
    elif isinstance(found, msgspec.inspect.BoolType):
        yield OptionField(name, title, YES if value else NO, ((NO, extra["words"][False]), (YES, extra["words"][True])))
    elif isinstance(found, msgspec.inspect.IntType):
        yield OptionField(name, title, str(value), number=True, lowest=found.ge, highest=found.le)
    elif isinstance(found, msgspec.inspect.StrType) and "input_types" not in extra:
        yield OptionField(name, title, str(value), longest=found.max_length)


def _fitting(extra: Mapping[str, Any], inputs: InputRules) -> list[str]:
    """The inputs that can be chosen."""
    return [name for name, rule in inputs.items() if rule["type"] in extra.get("input_types", ())]


def _value(option: Any, texts: Sequence[str], inputs: InputRules) -> Any:
    """What was sent for an option in its type; a number that is none stays a text, which the kind refuses in words."""
    found, _, extra = _described(option)
    if not texts:
        return None
    if "input_types" in extra:
        if not set(texts) - {""} <= set(_fitting(extra, inputs)):
            return None
        return list(texts) if isinstance(found, msgspec.inspect.ListType) else texts[0]
    if isinstance(found, msgspec.inspect.BoolType):
        return texts[0] == YES
    if isinstance(found, msgspec.inspect.IntType):
        try:
            return int(texts[0].replace("−", "-"))
        except ValueError:
            return texts[0]
    return texts[0]
