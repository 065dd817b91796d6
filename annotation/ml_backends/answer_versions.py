"""The version that a backend names, as its predictions carry it."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from annotation.ml_backends.protocol import version_name
from annotation.models import MLBackend
from projects.members import lock


@transaction.atomic
def begin(backend: MLBackend, answer: Mapping[str, Any]) -> None:
    """Take over what /setup names where that is new; the answers of /predict may name it more exactly."""
    lock(backend.project)
    named = _own_name(backend, answer)
    if backend.setup_version != named:
        backend.setup_version = backend.model_version = named
        MLBackend.objects.filter(pk=backend.pk).update(setup_version=named, model_version=named)


@transaction.atomic
def take_over(backend: MLBackend, answer: Mapping[str, Any]) -> None:
    """Take over what /predict names where that is new."""
    lock(backend.project)
    named = _own_name(backend, answer)
    if backend.model_version != named:
        backend.model_version = named
        MLBackend.objects.filter(pk=backend.pk).update(model_version=named)


def _own_name(backend: MLBackend, answer: Mapping[str, Any]) -> str:
    """The version as this backend's predictions carry it. Under the lock of the project.

    No two backends of a project share one, since an item is asked about once of each version.
    """
    others = MLBackend.objects.filter(project=backend.project_id).exclude(pk=backend.pk)
    taken = {name for names in others.values_list("model_version", "setup_version") for name in names}
    prefixed = version_name(answer, backend.name, {*taken, version_name(answer, backend.name)})
    if prefixed in (backend.model_version, backend.setup_version):  # also where the other backend is removed
        return prefixed
    return version_name(answer, backend.name, taken)
