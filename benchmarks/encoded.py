"""Vectors of a benchmark's texts by the installed text encoder, computed once and kept in the temporary folder."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inputs.encoders import choice

FOLDER = Path(tempfile.gettempdir()) / "plumbline_benchmark_vectors"


def vectors_of(texts: Sequence[str]) -> NDArray[np.float32]:
    """Rows (n, d) as they are stored: of 16 bits. Raises EncoderUnavailable without the encoder's wheel."""
    encoder = choice.choose("minilm").encoder
    key = hashlib.sha256("\0".join([encoder.digest, *texts]).encode()).hexdigest()
    path = FOLDER / f"{key}.npy"
    if not path.exists():
        FOLDER.mkdir(exist_ok=True)
        unfinished = path.with_suffix(".unfinished.npy")
        np.save(unfinished, encoder.encode(texts).astype(np.float16))
        unfinished.rename(path)
    return np.load(path).astype(np.float32)
