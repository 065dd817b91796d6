"""Stored vectors of texts: each text is encoded once for a project, by a job, and all that compares texts shares it.

Nothing waits for the job: while more than a few texts of a call have no vector yet, the caller is given none, compares
texts by TF-IDF, and says so in words.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.conf import settings
from django.db import transaction
from numpy.typing import NDArray

from annotation import encoding_progress
from annotation.models import Item, TextVector
from annotation.models.encoding import NAME_LENGTH
from inputs.encoders import choice, minilm
from inputs.encoders.base import EncoderUnavailable, TextEncoder
from inputs.encoders.columns import EncodedTexts, VectorsByInput, text_inputs
from inputs.registry import INPUT_TYPES
from inputs.values import is_missing
from jobs import queue
from jobs.execution import Attempt
from projects.chunks import chunks
from projects.models import Project

AT_ONCE = 200  # texts that a caller encodes itself, in about a second, rather than go without vectors
PART = 256  # items of one transaction of the job
MOST_ITEMS = 20_000  # of one job; the next one goes on from there
STORED = np.dtype("<f2")

Columns = Mapping[str, Sequence[Any]]
Rows = NDArray[np.float32]


@dataclass(frozen=True)
class AvailableVectors:
    """Vectors of the texts of some rows, or None with the reason; `words` says in a sentence what is compared."""

    texts: EncodedTexts | None
    words: str

    @property
    def vectors(self) -> VectorsByInput | None:
        return self.texts.vectors if self.texts else None


def configured_encoder() -> choice.EncoderChoice:
    """The encoder in use and why. Raises EncoderUnavailable where TEXT_ENCODER names one that cannot be used."""
    return choice.choose(settings.TEXT_ENCODER)


def available_vectors(
    project: Project, columns: Columns, types: Mapping[str, str], *, keep: bool = True
) -> AvailableVectors:
    """The vectors of all texts of these columns, where all but AT_ONCE are stored; those are encoded now, and kept
    unless the caller must not write."""
    names = text_inputs(types)
    if not names:
        return AvailableVectors(None, "")
    chosen = encoder_in_use()
    if not chosen.encoder.per_text:
        return AvailableVectors(None, chosen.why)
    written = {name: [_stripped(text) for text in columns[name]] for name in names}
    distinct = sorted({text for texts in written.values() for text in texts if text})
    known = _stored(project, chosen.encoder, distinct)
    missing = [text for text in distinct if text not in known]
    if len(missing) > AT_ONCE:
        if keep:
            _look_again(project)
        return AvailableVectors(
            None,
            f"Texts are compared by TF-IDF for now: {len(missing):,} of {len(distinct):,} wait to be encoded by "
            f"{chosen.encoder.name}.",
        )
    known |= _encode_and_keep(project, chosen.encoder, missing) if keep else _encode(chosen.encoder, missing)
    return AvailableVectors(_as_texts(chosen.encoder, written, known), chosen.why)


def encode_with(encoder: TextEncoder, project: Project | None, columns: Columns, names: Sequence[str]) -> EncodedTexts:
    """Vectors of these text inputs by one encoder: the stored ones, and the others encoded now, which are not kept."""
    written = {name: [_stripped(text) for text in columns[name]] for name in names}
    distinct = sorted({text for texts in written.values() for text in texts if text})
    known = _stored(project, encoder, distinct) if project and len(distinct) > AT_ONCE else {}
    missing = [text for text in distinct if text not in known]
    known |= dict(zip(missing, encoder.encode(missing), strict=True))
    return _as_texts(encoder, written, known)


def encoder_of_digest(name: str, digest: str) -> TextEncoder:
    """The encoder that a model was trained with. Raises EncoderUnavailable where it cannot be had any more."""
    found = encoder_in_use().encoder
    if found.digest != digest and name == minilm.NAME:
        found = choice.choose(minilm.NAME).encoder
    if found.digest != digest:
        raise EncoderUnavailable(
            f"The model reads vectors of the text encoder {name} {digest[:8]}, and {found.name} {found.digest[:8]} is "
            "in use. Set TEXT_ENCODER to the former, or train again."
        )
    return found


def encoder_in_use() -> choice.EncoderChoice:
    """The encoder in use, or TF-IDF with the reason where the one that TEXT_ENCODER names cannot be used."""
    try:
        return configured_encoder()
    except EncoderUnavailable as why:
        fallback = choice.choose("tfidf")
        return choice.EncoderChoice(fallback.encoder, f"Texts are compared by TF-IDF. {why}")


def _look_again(project: Project) -> None:
    """Let the job begin at the first item where it has passed all of them, and yet texts of some have no vector.

    On PostgreSQL a capture can commit after another one whose items have higher ids; a contract can get a text input.
    """
    if not encoding_progress.is_due(project):
        encoding_progress.begin_again(project)


def digest_in_use(types: Mapping[str, str]) -> str:
    """Digest of the encoder whose vectors the text inputs among these have; "" where there are none."""
    encoder = encoder_in_use().encoder if text_inputs(types) else None
    return encoder.digest if encoder and encoder.per_text else ""


def request_encoding(project: Project, *, at: datetime) -> None:
    """Enqueue the job that encodes what waits; one at a time for a project."""
    queue.enqueue("annotation.encode_texts", key=f"encode:{project.pk}", project=project, at=at)


def encode_items(attempt: Attempt, project: Project, *, at: datetime) -> None:
    """Encode the texts of items in the order in which they came, from where the last job ended."""
    chosen = encoder_in_use()
    progress = encoding_progress.progress_of(project, chosen.encoder, at=at)
    waiting = Item.objects.filter(project=project, pk__gt=progress.last_item).order_by("pk")
    total, done = min(waiting.count(), MOST_ITEMS), 0
    types = project.contract().types()
    kinds = {name: INPUT_TYPES[types[name]] for name in text_inputs(types)}
    while done < total:
        rows = list(waiting.filter(pk__gt=progress.last_item).values_list("pk", "inputs")[: min(PART, total - done)])
        if not rows:
            break
        if chosen.encoder.per_text:
            cells = (kind.column_value(inputs.get(name)) for _, inputs in rows for name, kind in kinds.items())
            texts = {_stripped(cell) for cell in cells} - {""}
            known = _stored(project, chosen.encoder, sorted(texts))
            _encode_and_keep(project, chosen.encoder, sorted(texts - set(known)))
        done += len(rows)
        progress.last_item, progress.updated_at = rows[-1][0], at
        progress.save(update_fields=["last_item", "updated_at"])
        attempt.progress(done / total, f"Encoding texts by {chosen.encoder.name}")
    with attempt.commit(encoder=chosen.encoder.name, items=done, words=chosen.why):
        if not waiting.filter(pk__gt=progress.last_item).exists():
            encoding_progress.remove_unread(project, chosen.encoder)


def _stripped(text: Any) -> str:
    return "" if is_missing(text) else str(text).strip()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _stored(project: Project, encoder: TextEncoder, texts: Sequence[str]) -> dict[str, Rows]:
    by_hash = {_sha256(text): text for text in texts}
    found: dict[str, Rows] = {}
    for chunk in chunks(list(by_hash)):
        rows = TextVector.objects.filter(project=project, digest=encoder.digest, text_sha256__in=chunk)
        for sha256, vector in rows.values_list("text_sha256", "vector"):
            found[by_hash[sha256]] = np.frombuffer(bytes(vector), dtype=STORED).astype(np.float32)
    return found


def _encode(encoder: TextEncoder, texts: Sequence[str]) -> dict[str, Rows]:
    """The vectors as they would be stored."""
    return dict(zip(texts, encoder.encode(texts).astype(STORED).astype(np.float32), strict=True)) if texts else {}


def _encode_and_keep(project: Project, encoder: TextEncoder, texts: Sequence[str]) -> dict[str, Rows]:
    if not texts:
        return {}
    vectors = encoder.encode(texts).astype(STORED)
    rows = [
        TextVector(
            project=project,
            encoder=encoder.name[:NAME_LENGTH],
            digest=encoder.digest,
            text_sha256=_sha256(text),
            vector=vector.tobytes(),
        )
        for text, vector in zip(texts, vectors, strict=True)
    ]
    with transaction.atomic():
        TextVector.objects.bulk_create(rows, batch_size=200, ignore_conflicts=True)
    return dict(zip(texts, vectors.astype(np.float32), strict=True))


def _as_texts(encoder: TextEncoder, written: Mapping[str, Sequence[str]], known: Mapping[str, Rows]) -> EncodedTexts:
    width = len(next(iter(known.values()))) if known else 1
    empty = np.zeros(width, dtype=np.float32)
    vectors = {
        name: np.array([known.get(text, empty) for text in texts], dtype=np.float32).reshape(len(texts), width)
        for name, texts in written.items()
    }
    return EncodedTexts(encoder.name, encoder.digest, vectors)
