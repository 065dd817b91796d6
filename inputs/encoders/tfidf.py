"""TF-IDF as a text encoder: the fallback, and always a candidate beside a sentence encoder."""

import hashlib

import numpy as np

from inputs.columns import Values, as_texts
from inputs.encoders.base import Vectors
from inputs.types.text import TextVectors
from inputs.values import MISSING, is_missing

DIMENSIONS = 100


class TfidfEncoder:
    """Latent semantic analysis of the very texts that are encoded: vectors of one call compare with each other only."""

    name = "tfidf"
    digest = hashlib.sha256(f"tfidf {DIMENSIONS}".encode()).hexdigest()
    per_text = False

    def encode(self, texts: Values) -> Vectors:
        """Unit rows (n, d), d at most DIMENSIONS; zeros for missing texts and for those without any word."""
        if not len(texts):
            return np.zeros((0, 1), dtype=np.float32)
        vectors = TextVectors(DIMENSIONS, seed=0).fit_transform(as_texts(texts, MISSING))
        vectors[[is_missing(text) for text in texts]] = 0
        return np.asarray(vectors, dtype=np.float32)
