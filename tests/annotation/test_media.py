"""Stored images: what the desk shows is what a model sees, only to members of the project."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone

from annotation import capture, media
from annotation.models import Item
from inputs import images
from projects.models import Project, Role
from tests import pictures
from tests.factories import NOW, make_project, make_user

pytestmark = pytest.mark.django_db


def captured(data: bytes) -> tuple[Project, dict[str, object]]:
    project = make_project(inputs={"scan": {"type": "image"}})
    capture.capture_rows(project, [{"key": "a", "inputs": {"scan": pictures.encoded(data)}}], at=NOW)
    return project, Item.objects.get().inputs["scan"]


def shown(project: Project, sha256: object) -> Any:
    client = Client()
    client.force_login(make_user(project=project, role=Role.ANNOTATOR))
    return client.get(f"/p/{project.slug}/media/{sha256}")


@pytest.mark.parametrize(
    "data",
    [
        pictures.turned(6),
        pictures.turned(6, "JPEG"),
        pictures.deep([[0, 30_000, 65_535]]),
        pictures.clear(),
        pictures.animated(),
        pictures.grey(),
        pictures.many_pictures(),
    ],
    ids=["turned", "turned JPEG", "16 bits", "transparent", "animated", "plain", "multi-picture JPEG"],
)
def test_a_person_is_shown_the_picture_that_a_model_sees(data: bytes) -> None:
    project, stored = captured(data)

    answers = [shown(project, stored["media"]) for _ in range(2)]

    for answer in answers:
        assert (answer.status_code, answer["Cache-Control"]) == (200, "private, max-age=31536000, immutable")
        assert images.is_shown_as_read(answer.content)
        seen = media.pixels(project, str(stored["media"]))
        assert np.abs(images.grey_pixels(answer.content).astype(int) - seen).max() <= 1
    assert (stored["height"], stored["width"]) == images.grey_pixels(data).shape
    assert media.read_image(project, str(stored["media"])) == data


def test_a_plain_file_is_sent_as_it_came() -> None:
    project, stored = captured(pictures.grey(kind="JPEG"))
    answer = shown(project, stored["media"])
    assert (answer.content, answer["Content-Type"]) == (pictures.grey(kind="JPEG"), "image/jpeg")


def test_a_rendered_one_is_a_png_and_is_rendered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    project, stored = captured(pictures.clear(kind="WEBP"))
    first = shown(project, stored["media"])
    monkeypatch.setattr(images, "rendered", None)
    assert shown(project, stored["media"]).content == first.content
    assert first["Content-Type"] == "image/png"


def test_a_missing_file_is_404() -> None:
    project, stored = captured(pictures.grey())
    media.path_of(project, str(stored["media"])).unlink()
    assert shown(project, stored["media"]).status_code == 404


def test_images_of_a_project_that_did_not_arrive_are_removed(settings, tmp_path):
    settings.MEDIA_HOME = tmp_path
    project = make_project()
    with pytest.raises(ZeroDivisionError), media.arriving(Project(pk=project.pk + 1)):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    with media.arriving(project):
        assert (tmp_path / str(project.pk) / media.ARRIVING).exists()
    assert [path.name for path in (tmp_path / str(project.pk)).iterdir()] == []


def test_what_a_killed_import_left_is_swept_after_a_day_and_only_without_its_project(settings, tmp_path):
    settings.MEDIA_HOME = tmp_path
    there, gone = make_project().pk, 10**9
    for pk in (there, gone):
        (tmp_path / str(pk)).mkdir()
        (tmp_path / str(pk) / media.ARRIVING).touch()
        (tmp_path / str(pk) / "image").touch()
    now = timezone.now()
    assert media.sweep(at=now) == 0
    assert media.sweep(at=now + timedelta(days=2)) == 2
    assert [path.name for path in tmp_path.glob("*/*")] == ["image"]
    assert (tmp_path / str(there) / "image").exists()
