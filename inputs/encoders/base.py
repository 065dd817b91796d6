"""What every text encoder defines."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from inputs.columns import Values
from validation import InvalidInput

Vectors = NDArray[np.float32]


class EncoderUnavailable(InvalidInput):
    """A text encoder that was asked for and cannot be used; the message says why and what to do."""


class TextEncoder(Protocol):
    """Turns texts into vectors whose small Euclidean distance means alike.

    name        in words: minilm, tfidf, or the folder's name
    digest      SHA-256 of everything that decides the vectors; with the name it says which vectors are comparable
    per_text    whether a text has the same vector whatever else is encoded, so that it can be stored
    """

    @property
    def name(self) -> str: ...

    @property
    def digest(self) -> str: ...

    @property
    def per_text(self) -> bool: ...

    def encode(self, texts: Values) -> Vectors:
        """Texts (n,), missing ones as None or blank, as unit rows (n, d); a missing one is a row of zeros."""
        ...
