"""Tokenisers of sentence encoders, built from their files; nothing is fetched."""

import os
from typing import Any

from inputs.encoders.base import EncoderUnavailable


def from_json(name: str, written: bytes) -> Any:
    """The tokeniser of a `tokenizer.json`. Raises EncoderUnavailable."""
    library = _library(name)
    try:
        return library.Tokenizer.from_str(written.decode())
    except Exception as why:  # the library raises plain Exception
        raise EncoderUnavailable(f"The tokeniser of the text encoder {name} cannot be read: {why}") from None


def from_vocabulary(name: str, written: bytes, *, lowercase: bool = True) -> Any:
    """BERT's tokeniser of a `vocab.txt`, one word piece a line (Devlin et al. 2019). Raises EncoderUnavailable."""
    library = _library(name)
    try:
        lines = written.decode().removesuffix("\n").split("\n")  # splitlines would split at pieces such as U+2028 too
    except UnicodeDecodeError:
        raise EncoderUnavailable(f"The vocabulary of the text encoder {name} is not UTF-8.") from None
    pieces = {piece.removesuffix("\r"): code for code, piece in enumerate(lines)}
    if missing := [piece for piece in ("[UNK]", "[CLS]", "[SEP]") if piece not in pieces]:
        raise EncoderUnavailable(f"The vocabulary of the text encoder {name} lacks {missing[0]}.")
    tokenizer = library.Tokenizer(library.models.WordPiece(pieces, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = library.normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = library.pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = library.processors.BertProcessing(("[SEP]", pieces["[SEP]"]), ("[CLS]", pieces["[CLS]"]))
    return tokenizer


def _library(name: str) -> Any:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # its threads do not survive a fork, and workers fork
    try:
        import tokenizers
    except ImportError:
        raise EncoderUnavailable(f"The text encoder {name} needs tokenizers, which is not installed.") from None
    return tokenizers
