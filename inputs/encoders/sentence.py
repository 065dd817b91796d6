"""A sentence encoder as ONNX: tokens of each text through the network, their mean as the text's vector.

Reimers and Gurevych, "Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks" (2019). One thread, on the CPU:
a worker is one process of many.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inputs.columns import Values
from inputs.encoders.base import EncoderUnavailable, Vectors
from inputs.values import is_missing

LONGEST = 128  # tokens of a text that are read: what sentence encoders of this size are trained on
ROWS, TOKENS = 32, 4096  # of one batch at most
CHARACTERS = 20 * LONGEST  # of a text that the tokeniser gets: more than it takes to fill LONGEST tokens

Ints = NDArray[np.int64]


class SentenceEncoder:
    """An ONNX network with its tokeniser.

    `pooling`: "mean" over a text's tokens, or "cls", its first token; a network with a two-dimensional output has
    pooled already. `prefix` is written before each text, as some networks were trained to expect.
    """

    per_text = True

    def __init__(
        self, name: str, network: bytes, tokenizer: Any, *, written: bytes, pooling: str = "mean", prefix: str = ""
    ) -> None:
        """`written`: the file that the tokeniser was built from. Raises EncoderUnavailable."""
        self.name = name
        tokenizer.no_padding()
        tokenizer.enable_truncation(LONGEST)
        self._tokenizer, self._pooling, self._prefix = tokenizer, pooling, prefix
        self._session = _session(name, network)
        self._wanted = [one.name for one in self._session.get_inputs()]
        parts = (network, written, f"{pooling} {LONGEST} {prefix}".encode())
        self.digest = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()
        self._width = self._width_of(name)

    def encode(self, texts: Values) -> Vectors:
        """Unit rows (n, d); equal texts are encoded once, texts of like length together."""
        written = ["" if is_missing(text) else str(text).strip() for text in texts]
        distinct = sorted({text for text in written if text})
        tokens = self._tokenizer.encode_batch([self._prefix + text[:CHARACTERS] for text in distinct])
        vectors = np.zeros((len(distinct) + 1, self._width), dtype=np.float32)
        for rows in _batches([len(one.ids) for one in tokens]):
            vectors[rows] = self._run([tokens[row].ids for row in rows])
        place = {text: row for row, text in enumerate(distinct)} | {"": len(distinct)}
        return vectors[[place[text] for text in written]]

    def _width_of(self, name: str) -> int:
        """Numbers of a vector, as the network gives them for one text. Raises EncoderUnavailable where it fails."""
        try:
            return int(self._run([self._tokenizer.encode("width").ids]).shape[1])
        except Exception as why:  # the library's own errors share no public base class
            raise EncoderUnavailable(f"The text encoder {name} does not run: {_first(why)}") from None

    def _run(self, ids: list[list[int]]) -> Vectors:
        longest = max(map(len, ids))
        padded, mask = np.zeros((len(ids), longest), dtype=np.int64), np.zeros((len(ids), longest), dtype=np.int64)
        for row, one in enumerate(ids):
            padded[row, : len(one)], mask[row, : len(one)] = one, 1
        given = {"input_ids": padded, "attention_mask": mask, "token_type_ids": np.zeros_like(padded)}
        output = np.asarray(self._session.run(None, {name: given[name] for name in self._wanted})[0])
        return _unit(output if output.ndim == 2 else self._pooled(output, mask))

    def _pooled(self, output: NDArray[np.floating], mask: Ints) -> NDArray[np.floating]:
        if self._pooling == "cls":
            return np.asarray(output[:, 0])
        weight = mask[:, :, None].astype(output.dtype)
        return np.asarray((output * weight).sum(axis=1) / weight.sum(axis=1))


def _session(name: str, network: bytes) -> Any:
    """The network, ready to run. Raises EncoderUnavailable."""
    try:
        import onnxruntime  # takes a third of a second, and only where texts are encoded
    except ImportError:
        raise EncoderUnavailable(f"The text encoder {name} needs onnxruntime, which is not installed.") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False  # a process keeps no memory of large batches
    try:
        session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    except Exception as why:  # the library's own errors share no public base class
        raise EncoderUnavailable(f"The network of the text encoder {name} cannot be loaded: {_first(why)}") from None
    wanted = {one.name for one in session.get_inputs()}
    if unknown := wanted - {"input_ids", "attention_mask", "token_type_ids"}:
        raise EncoderUnavailable(
            f"The network of the text encoder {name} asks for {min(unknown)}, which no text encoder gives."
        )
    return session


def _first(why: Exception) -> str:
    return str(why).splitlines()[0][:200] if str(why) else type(why).__name__


def _batches(lengths: Sequence[int]) -> list[list[int]]:
    """Rows in batches of like length, each with at most ROWS rows and TOKENS tokens with its padding.

    A row without a token, as of a text of characters that the tokeniser drops, is in none: it has no mean.
    """
    found: list[list[int]] = []
    for row in filter(lengths.__getitem__, np.argsort(lengths, kind="stable").tolist()):
        if not found or len(found[-1]) >= ROWS or (len(found[-1]) + 1) * lengths[row] > TOKENS:
            found.append([])
        found[-1].append(row)
    return found


def _unit(rows: NDArray[np.floating]) -> Vectors:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def read_file(name: str, path: Path) -> bytes:
    """The bytes of one of an encoder's files. Raises EncoderUnavailable."""
    try:
        return path.read_bytes()
    except OSError as why:
        raise EncoderUnavailable(f"The text encoder {name} lacks {path}: {why.strerror}.") from None
