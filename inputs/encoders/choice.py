"""Which text encoder is in use: as `TEXT_ENCODER` says, else the installed one, else TF-IDF."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from inputs.encoders import folder, minilm
from inputs.encoders.base import EncoderUnavailable, TextEncoder
from inputs.encoders.tfidf import TfidfEncoder


@dataclass(frozen=True)
class EncoderChoice:
    """An encoder and why it is this one, in a sentence for people."""

    encoder: TextEncoder
    why: str


@cache
def choose(setting: str) -> EncoderChoice:
    """The encoder of a setting: "minilm", "tfidf", a folder, or "" for the best that is installed.

    Kept in memory once loaded. Raises EncoderUnavailable for one that was asked for by name and cannot be used.
    """
    if setting == TfidfEncoder.name:
        return EncoderChoice(TfidfEncoder(), "Texts are compared by TF-IDF, as TEXT_ENCODER says.")
    if setting == minilm.NAME:
        return EncoderChoice(minilm.load(), "Texts are encoded by minilm, as TEXT_ENCODER says.")
    if setting:
        found = folder.load(Path(setting))
        return EncoderChoice(found, f"Texts are encoded by {found.name}, from the folder that TEXT_ENCODER names.")
    try:
        return EncoderChoice(minilm.load(), "Texts are encoded by minilm, which is installed.")
    except EncoderUnavailable as why:
        return EncoderChoice(TfidfEncoder(), f"Texts are compared by TF-IDF. {why}")
