"""The fields of a settings object as a form asks for them: name, words, kind of entry, and text to value and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from msgspec import NODEFAULT
from msgspec.structs import fields as struct_fields

from projects.project_settings import Settings, kinds_of

Entry = Literal["number", "text", "choice", "switch", "lines"]


@dataclass(frozen=True)
class SettingField:
    """One setting. `title` and `help` say what it is; `choices` is value to words, `default` what an empty one is."""

    name: str
    title: str
    help: str
    entry: Entry
    choices: Mapping[str, str]
    default: Any


def setting_fields(kind: type[Settings]) -> list[SettingField]:
    """Every field that the JSON object of this kind takes, those that rules and trainers added included."""
    return [
        _field(one.name, one.type, one.default, one.default_factory)
        for each in kinds_of(kind)
        for one in struct_fields(each)
    ]


def _field(name: str, hint: Any, default: Any, factory: Any) -> SettingField:
    metas, plain = _unwrap(hint)
    extra: dict[str, Any] = {}
    for meta in metas:
        extra |= meta.extra or {}
    title = next((meta.title for meta in reversed(metas) if meta.title), name.replace("_", " ").capitalize())
    choices = extra.get("choices", {})
    return SettingField(
        name=name,
        title=title,
        help=extra.get("help", ""),
        entry=_entry(plain, bool(choices)),
        choices=choices() if callable(choices) else choices,
        default=factory() if default is NODEFAULT and factory is not NODEFAULT else default,
    )


def _unwrap(hint: Any) -> tuple[list[Any], Any]:
    """What is written beside a type, the innermost first, and the type alone; an optional one is what it holds."""
    if hasattr(hint, "__metadata__"):
        metas, plain = _unwrap(hint.__origin__)
        return [*metas, *hint.__metadata__], plain
    if NoneType in get_args(hint):
        return _unwrap(next(part for part in get_args(hint) if part is not NoneType))
    return [], hint


def _entry(plain: Any, has_choices: bool) -> Entry:
    if plain is bool:
        return "switch"
    if has_choices or get_origin(plain) is Literal:
        return "choice"
    if get_origin(plain) is list:
        return "lines"
    return "number" if plain in (int, float) else "text"


def to_text(field: SettingField, value: Any) -> str:
    """A stored value as a form holds it; "" where nothing is stored."""
    if value is None:
        return ""
    if field.entry == "lines":
        return "\n".join(value)
    if field.entry == "switch":
        return "yes" if value else "no"
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def from_text(field: SettingField, text: str) -> Any:
    """What a form's text stands for, None where it is empty. What is no number stays a text, which `parse` refuses."""
    text = text.strip()
    if not text:
        return None
    if field.entry == "lines":
        return [line.strip() for line in text.splitlines() if line.strip()]
    if field.entry == "switch":
        return text == "yes"
    return _number(text) if field.entry == "number" else text


def _number(text: str) -> Any:
    for convert in (int, float):
        try:
            return convert(text.replace(",", "") if _has_thousands(text) else text)
        except ValueError:
            continue
    return text


def _has_thousands(text: str) -> bool:
    """Whether commas stand between groups of three digits, as this product writes numbers."""
    first, *rest = text.partition(".")[0].split(",")
    return bool(rest) and 1 <= len(first.lstrip("-")) <= 3 and all(len(part) == 3 and part.isdigit() for part in rest)


def in_words(field: SettingField, value: Any) -> str:
    """A value as a sentence shows it; the default, named as such, where nothing is stored."""
    if value is None:
        known = field.default if field.default not in (None, NODEFAULT) else None
        return f"{in_words(field, known)} (default)" if known is not None and known != "" else "none"
    if field.entry == "choice":
        return field.choices.get(str(value), str(value))
    if field.entry == "lines":
        return ", ".join(value) or "none"
    if field.entry == "number" and isinstance(value, int | float):
        return f"{value:,}".removesuffix(".0")
    return to_text(field, value)
