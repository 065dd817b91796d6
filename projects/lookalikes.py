"""Texts that a person cannot tell apart on a screen: white space, invisible characters, Unicode forms, lookalikes."""

import unicodedata
from collections.abc import Iterable

# Letters of other scripts drawn like Latin ones, after Unicode Technical Standard 39 (confusables.txt).
CYRILLIC = str.maketrans("асеіјорѕухАВЕЅІЈКМНОРСТУХ", "aceijopsyxABESIJKMHOPCTYX")
GREEK = str.maketrans("οΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "oABEZHIKMNOPTYX")
INVISIBLE = {"Cc", "Cf"}


def appearance(text: str) -> str:
    """What two texts have in common exactly if they look the same; empty where there is nothing to see."""
    one_form = unicodedata.normalize("NFKC", text)
    spaced = " ".join(one_form.split())
    seen = "".join(character for character in spaced if unicodedata.category(character) not in INVISIBLE)
    return seen.translate(CYRILLIC).translate(GREEK).strip()


def fault(text: str) -> str:
    """Why a text cannot be a name by itself, or an empty text."""
    if not appearance(text):
        return "has nothing to see"
    if text != text.strip():
        return "begins or ends with white space"
    if any(unicodedata.category(character) == "Cc" for character in text):
        return "holds a control character, such as a line break or a tab"
    return ""


def twins(texts: Iterable[str]) -> tuple[str, str] | None:
    """The first two that look the same, or None."""
    seen: dict[str, str] = {}
    for text in texts:
        look = appearance(text)
        if look in seen:
            return seen[look], text
        seen[look] = text
    return None
