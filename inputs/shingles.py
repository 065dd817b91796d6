"""Near-duplicate texts: MinHash of character shingles, which needs no words and so works for any script.

Broder (1997), On the resemblance and containment of documents; bands of signatures as in Leskovec, Rajaraman and
Ullman, Mining of Massive Datasets, chapter 3.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from inputs.duplicates import Bools, Floats, Ints, linked, mixed

Codes = NDArray[np.uint64]
Texts = NDArray[np.object_]

SHINGLE = 5  # characters
SAME_TEXT = 0.8  # Jaccard index of two texts' shingles from which they are copies
SAME_BUT_NUMBERS = 0.95  # the same where digits differ: other amounts and dates are other cases
FEWEST = 40  # characters; a shorter text with one character changed may say something else
BANDS, BAND_ROWS = 16, 5  # miss a pair at SAME_TEXT in at most 4 of 100 cases, one at 0.9 in 1 of 1,000
KEPT = 32  # shingles of a longer text that are hashed, up to twice as many, chosen by their code
LETTERS = 1_000_000  # at once
NUMBERS = re.compile(r"\d")
BASE = np.uint64(0x100000001B3)


class _Shingles(NamedTuple):
    """Shingles of texts: whose (m,), in order of the texts, and their codes (m,)."""

    owner: Ints
    code: Codes


def near_texts(texts: Sequence[str]) -> Ints:
    """Group numbers (n,) of texts: those that share at least 80 % of their five-character shingles share one.

    Where their digits differ 95 % are needed, and texts under 40 characters are linked only where they are equal.
    Normalise case and white space before.
    """
    if not len(texts):
        return np.zeros(0, dtype=np.int64)
    distinct, codes = np.unique(np.asarray(texts, dtype=object), return_inverse=True)

    digits = np.array(["".join(NUMBERS.findall(text)) for text in distinct], dtype=object)

    def close(i: Ints, j: Ints) -> Bools:
        least = np.where(digits[i] == digits[j], SAME_TEXT, SAME_BUT_NUMBERS)
        parts = _cut([len(distinct[a]) + len(distinct[b]) for a, b in zip(i, j, strict=True)])
        return np.concatenate([_resembling(distinct, i[part], j[part], least[part]) for part in parts])

    return linked(len(distinct), _buckets(distinct), close)[codes]


def _buckets(texts: Texts) -> Iterator[Ints]:
    """Bucket numbers (n,) of each band of signatures; -1 for texts without a shingle.

    Of long texts a sample is hashed, the finer the longer the text; two copies that lie on both sides of a step in
    length are sampled alike in every other band, where the steps are elsewhere.
    """
    rng = np.random.default_rng(0)
    hashes = [rng.integers(0, 2**63, (BAND_ROWS, 2), dtype=np.uint64) for _ in range(BANDS)]
    signed = [_signatures(texts, shift, hashes[turn::2]) for turn, shift in enumerate((1.0, 2**0.5))]
    for band in range(BANDS):
        owner, signatures = signed[band % 2]
        bucket = np.full(len(texts), -1, dtype=np.int64)
        bucket[owner] = np.unique(signatures[:, band // 2], return_inverse=True)[1]
        yield bucket


def _signatures(texts: Texts, shift: float, hashes: Sequence[Codes]) -> tuple[Ints, Codes]:
    """Which texts (m,) have shingles, and a signature of each by each of the hashes (m, h).

    Made of a part of the texts at a time: the shingles of all are many times as large as the texts.
    """
    owners, signatures = [], []
    for part in _cut([len(text) for text in texts]):
        sample = _sampled_of_part(texts, part, shift)
        starts = np.flatnonzero(np.diff(sample.owner, prepend=-1))
        owners.append(sample.owner[starts])
        signatures.append(np.column_stack([_signature(sample.code, starts, rows) for rows in hashes]))
    return np.concatenate(owners), np.concatenate(signatures)


def _signature(code: Codes, starts: Ints, rows: Codes) -> Codes:
    signature = np.zeros(starts.size, dtype=np.uint64)
    for factor, offset in rows:
        rank = code * (factor | np.uint64(1)) + offset
        signature = mixed(signature ^ np.minimum.reduceat(rank, starts)) if starts.size else signature
    return signature


def _sampled_of_part(texts: Texts, part: slice, shift: float) -> _Shingles:
    """All shingles of short texts; of longer ones those with the smallest codes, KEPT to twice KEPT of them."""
    owner, code = _shingles(texts[part])
    long = np.array([len(text) >= FEWEST for text in texts[part]])[owner]
    owner, code = owner[long], code[long]
    counts = np.bincount(owner, minlength=part.stop - part.start)
    halvings = np.maximum(np.floor(np.log2(np.maximum(counts * shift / KEPT, 1))), 0).astype(np.uint64)
    small = code <= np.uint64(2**64 - 1) >> halvings[owner]
    return _Shingles(owner[small] + part.start, code[small])


def _cut(lengths: Sequence[int]) -> list[slice]:
    """Parts of the texts with about LETTERS letters each."""
    total = np.cumsum(lengths)
    ends = np.unique(np.append(np.searchsorted(total, np.arange(LETTERS, int(total[-1]), LETTERS)) + 1, len(lengths)))
    return [slice(int(start), int(end)) for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def _shingles(texts: Texts) -> _Shingles:
    """Every shingle of each text."""
    letters = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    counts = np.maximum(lengths - SHINGLE + 1, 0)
    owner = np.repeat(np.arange(len(texts)), counts)
    code = np.zeros(max(letters.size - SHINGLE + 1, 0), dtype=np.uint64)
    for offset in range(SHINGLE):
        code = code * BASE + letters[offset : offset + code.size]
    start = np.arange(counts.sum()) + np.repeat(np.cumsum(lengths - counts) - (lengths - counts), counts)
    return _Shingles(owner, mixed(code)[start])


def _resembling(texts: Texts, i: Ints, j: Ints, least: Floats) -> Bools:
    """Whether each pair of texts, i (p,) and j (p,), shares at least this part (p,) of its shingles."""
    used, place = np.unique(np.concatenate([i, j]), return_inverse=True)
    owner, code = _shingles(texts[used])
    names, column = np.unique(code, return_inverse=True)
    held = sparse.csr_matrix((np.ones(code.size), (owner, column)), shape=(used.size, max(names.size, 1)))
    held.data[:] = 1  # a shingle that occurs twice in a text was added up
    sizes = np.diff(held.indptr)
    left, right = place[: len(i)], place[len(i) :]
    shared = np.asarray(held[left].multiply(held[right]).sum(axis=1)).ravel()
    return np.asarray((shared > 0) & (shared >= least * (sizes[left] + sizes[right] - shared)))
