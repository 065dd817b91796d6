"""How far the texts of a project's items have been encoded, and whose vectors are still needed."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import pairwise

from django.conf import settings
from django.db.models import QuerySet

from annotation.models import EncodingProgress, Item, TextVector
from annotation.models.encoding import NAME_LENGTH, SETTING_LENGTH
from inputs.encoders import choice
from inputs.encoders.base import TextEncoder
from inputs.encoders.columns import text_inputs
from inputs.encoders.tfidf import TfidfEncoder
from projects.models import Project

FIRST, LAST = "", "g"  # before and after every digest, which are hexadecimal

DigestsOf = Callable[[Project], Iterable[str]]
_readers: list[DigestsOf] = []


def reads_vectors(digests: DigestsOf) -> DigestsOf:
    """Register who reads stored vectors: `digests` gives those of the encoders whose vectors a project must keep."""
    _readers.append(digests)
    return digests


def is_due(project: Project) -> bool:
    """Whether items wait to be encoded or vectors to be removed, found without loading the encoder."""
    if not text_inputs(project.contract().types()):
        return False
    setting = str(settings.TEXT_ENCODER)
    if setting == TfidfEncoder.name:
        return _has_unread(project, TfidfEncoder.digest)
    done = _of_setting(project).first()
    if Item.objects.filter(project=project, pk__gt=done.last_item if done else 0).exists():
        return True
    return done is not None and _has_unread(project, done.digest)


def begin_again(project: Project) -> None:
    """Let the next job begin at the first item."""
    _of_setting(project).update(last_item=0)


def progress_of(project: Project, encoder: TextEncoder, *, at: datetime) -> EncodingProgress:
    """Where to go on: from the first item where the setting now stands for another encoder."""
    name = encoder.name[:NAME_LENGTH]
    start = {"encoder": name, "digest": encoder.digest, "last_item": 0, "updated_at": at}
    found, _ = EncodingProgress.objects.get_or_create(
        project=project, setting=_setting(), files=choice.files_stamp(settings.TEXT_ENCODER), defaults=start
    )
    if found.digest != encoder.digest:
        found.encoder, found.digest, found.last_item, found.updated_at = name, encoder.digest, 0, at
        found.save()
    return found


def remove_unread(project: Project, encoder: TextEncoder) -> None:
    """Remove the vectors that neither this encoder made nor anybody reads, and what says how far they had come."""
    for unread in _unread(project, encoder.digest):
        unread.delete()
    others = EncodingProgress.objects.filter(project=project)
    others.exclude(digest__in=_digests_in_use(project, encoder.digest)).delete()


def _has_unread(project: Project, digest: str) -> bool:
    return any(unread.exists() for unread in _unread(project, digest))


def _unread(project: Project, digest: str) -> Iterator[QuerySet[TextVector]]:
    """The vectors between those that are kept: ranges of the index rather than a look at each vector."""
    vectors = TextVector.objects.filter(project=project)
    for low, high in pairwise([FIRST, *_digests_in_use(project, digest), LAST]):
        yield vectors.filter(digest__gt=low, digest__lt=high)


def _digests_in_use(project: Project, digest: str) -> list[str]:
    return sorted({digest, *(read for digests in _readers for read in digests(project))})


def _of_setting(project: Project) -> QuerySet[EncodingProgress]:
    files = choice.files_stamp(settings.TEXT_ENCODER)
    return EncodingProgress.objects.filter(project=project, setting=_setting(), files=files)


def _setting() -> str:
    return str(settings.TEXT_ENCODER)[:SETTING_LENGTH]
