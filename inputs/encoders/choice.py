"""Which text encoder is in use: as `TEXT_ENCODER` says, else the installed one, else TF-IDF."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from inputs.encoders import folder, minilm
from inputs.encoders.base import EncoderUnavailable, TextEncoder
from inputs.encoders.tfidf import TfidfEncoder

KEPT = 2  # encoders in memory: that in use, and that of a version that was trained with another


@dataclass(frozen=True)
class EncoderChoice:
    """An encoder and why it is this one, in a sentence for people."""

    encoder: TextEncoder
    why: str


def choose(setting: str) -> EncoderChoice:
    """The encoder of a setting: "minilm", "tfidf", a folder, or "" for the best that is installed.

    Kept in memory once loaded, until its files change. Raises EncoderUnavailable for one that was asked for by name and
    cannot be used.
    """
    return _loaded(setting, files_stamp(setting))


def files_stamp(setting: str) -> str:
    """A digest of which files the encoder of a setting is made of, found without reading them: another one means that
    the setting may stand for another encoder."""
    if setting == TfidfEncoder.name:
        return TfidfEncoder.digest
    named = folder.stamp(Path(setting)) if setting not in ("", minilm.NAME) else minilm.stamp()
    return hashlib.sha256(named.encode()).hexdigest()


@lru_cache(maxsize=KEPT)
def _loaded(setting: str, stamp: str) -> EncoderChoice:
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
