"""Loaded versions of this process: each is loaded once, under a lock of its own, and a failure is remembered."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from django.db import DatabaseError
from django.utils import timezone

from retraining import artifacts, registry
from retraining.models import LoadFailure, ModelVersion

log = logging.getLogger(__name__)
KEPT = 8  # loaded versions per process
RETRY_SECONDS = 30.0  # how long a version that failed to load is not tried again


class ModelCache:
    """Versions by signature: a release is a new key, so what it serves is loaded at once.

    A load that takes long makes only those wait who ask for the same version.
    """

    def __init__(self, load: Callable[[ModelVersion], registry.Loaded]) -> None:
        self._load = load
        self._guard = threading.Lock()  # held for look-ups only
        self._loading: dict[str, threading.Lock] = {}
        self._loaded: OrderedDict[str, registry.Loaded] = OrderedDict()
        self._failed: dict[str, tuple[float, str]] = {}

    def get(self, version: ModelVersion) -> registry.Loaded:
        """Raises ArtifactRefused; a version that failed is not tried again for half a minute."""
        key = version.signature
        with self._guard:
            if found := self._find(key):
                return found
            loading = self._loading.setdefault(key, threading.Lock())
        with loading:
            with self._guard:
                if found := self._find(key):
                    return found
            try:
                loaded = self._load(version)
            except Exception as why:  # whatever its file makes the readers raise
                refused = _as_refusal(version, why)
                self._keep_failure(version, str(refused))
                raise refused from why
            self._store(version, loaded)
            return loaded

    def _find(self, key: str) -> registry.Loaded | None:
        """The loaded version, None where it is to be loaded. Raises ArtifactRefused where it has just failed."""
        if key in self._loaded:
            self._loaded.move_to_end(key)
            return self._loaded[key]
        failed_at, why = self._failed.get(key, (-RETRY_SECONDS, ""))
        if time.monotonic() - failed_at < RETRY_SECONDS:
            raise artifacts.ArtifactRefused(why)
        return None

    def _store(self, version: ModelVersion, loaded: registry.Loaded) -> None:
        with self._guard:
            self._loaded[version.signature] = loaded
            while len(self._loaded) > KEPT:
                self._loaded.popitem(last=False)
            self._failed.pop(version.signature, None)
            self._loading.pop(version.signature, None)
        record(version, "")

    def _keep_failure(self, version: ModelVersion, why: str) -> None:
        now = time.monotonic()
        with self._guard:
            self._failed = {key: kept for key, kept in self._failed.items() if now - kept[0] < RETRY_SECONDS}
            self._failed[version.signature] = (now, why)
            self._loading.pop(version.signature, None)
        record(version, why)


def _as_refusal(version: ModelVersion, why: Exception) -> artifacts.ArtifactRefused:
    if isinstance(why, artifacts.ArtifactRefused):
        return why
    return artifacts.ArtifactRefused(f"{version.tag} cannot be loaded. {type(why).__name__}: {why}")


def record(version: ModelVersion, why: str) -> None:
    """Keep, for the pages and for other processes, that the version could not be loaded; "" that it was loaded."""
    failures = LoadFailure.objects.filter(version=version)
    try:
        known = failures.values_list("words", flat=True).first()
        if why and known != why:
            LoadFailure.objects.update_or_create(version=version, defaults={"words": why, "at": timezone.now()})
        elif known and not why:
            failures.delete()
    except DatabaseError:  # the answer to a request does not hang on this note
        log.warning("Whether %s loads could not be noted", version.tag, exc_info=True)
