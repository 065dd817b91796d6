"""A sentence encoder of one's own: a folder with its ONNX network and its tokeniser.

model.onnx            or onnx/model.onnx: takes input_ids, attention_mask and maybe token_type_ids
tokenizer.json        or, of the BERT family, vocab.txt
1_Pooling/config.json optional, as sentence-transformers writes it: mean (the default) or the first token
encoder.json          optional: {"prefix": "query: "}, written before each text
"""

import json
from pathlib import Path
from typing import Any

from inputs.encoders import tokenizers
from inputs.encoders.base import EncoderUnavailable
from inputs.encoders.sentence import SentenceEncoder, read_file

NETWORKS = ("model.onnx", "onnx/model.onnx")
OTHER_FILES = ("tokenizer.json", "vocab.txt", "tokenizer_config.json", "1_Pooling/config.json", "encoder.json")


def load(folder: Path) -> SentenceEncoder:
    """The encoder of a folder. Raises EncoderUnavailable, in words that name the file."""
    name = folder.resolve().name
    if not folder.is_dir():
        raise EncoderUnavailable(f"TEXT_ENCODER names {folder}, which is no folder.")
    path = next((folder / part for part in NETWORKS if (folder / part).is_file()), folder / NETWORKS[0])
    network = read_file(name, path)
    prefix = _object(name, folder / "encoder.json").get("prefix", "")
    if not isinstance(prefix, str):
        raise EncoderUnavailable(f"{folder / 'encoder.json'}: prefix takes a text.")
    tokenizer, written = _tokenizer(name, folder)
    pooling = _pooling(name, folder)
    return SentenceEncoder(name, network, tokenizer, written=written, pooling=pooling, prefix=prefix)


def stamp(folder: Path) -> str:
    """Sizes and times of the folder's files, which change when one of them is replaced."""
    return f"{folder} " + " ".join(_size_and_time(folder / name) for name in (*NETWORKS, *OTHER_FILES))


def _size_and_time(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return "-"
    return f"{found.st_size}:{found.st_mtime_ns}"


def _tokenizer(name: str, folder: Path) -> tuple[Any, bytes]:
    """The tokeniser and the file it comes from."""
    if (folder / "tokenizer.json").is_file():
        written = read_file(name, folder / "tokenizer.json")
        return tokenizers.from_json(name, written), written
    if (folder / "vocab.txt").is_file():
        written = read_file(name, folder / "vocab.txt")
        lowercase = bool(_object(name, folder / "tokenizer_config.json").get("do_lower_case", True))
        return tokenizers.from_vocabulary(name, written, lowercase=lowercase), written
    raise EncoderUnavailable(f"The text encoder {name} needs a tokenizer.json or a vocab.txt in {folder}.")


def _pooling(name: str, folder: Path) -> str:
    settings = _object(name, folder / "1_Pooling" / "config.json")
    if settings.get("pooling_mode_cls_token"):
        return "cls"
    if settings and not settings.get("pooling_mode_mean_tokens", True):
        raise EncoderUnavailable(f"The text encoder {name} pools its tokens otherwise than by their mean or the first.")
    return "mean"


def _object(name: str, path: Path) -> dict[str, Any]:
    """The JSON object of an optional file; empty where there is none."""
    if not path.is_file():
        return {}
    try:
        found = json.loads(read_file(name, path))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise EncoderUnavailable(f"{path} holds no JSON object.")
    return found
