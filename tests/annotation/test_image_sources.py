"""Images that a file names: fetched under the guard of outgoing calls, read below the folder, refused in words."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.utils import timezone

from annotation import image_sources, import_jobs, importing, uploads
from annotation.image_sources import ImageSources
from annotation.importing import import_file
from annotation.models import DataImport, Item
from inputs import images
from inputs.images import BadImage, PixelBudget
from inputs.types.image import ONE_PIXEL, decode_base64
from jobs import execution
from projects import outgoing
from projects.models import Project, Role
from tests.factories import NOW, make_project, make_user

PIXEL = base64.b64decode(ONE_PIXEL)
UNREACHED = "http://127.0.0.1:9"


class Pictures(BaseHTTPRequestHandler):
    """Answers by the path; `asked` has the paths of all requests."""

    asked: ClassVar[list[str]] = []
    answers: ClassVar[dict[str, tuple[int, bytes]]] = {
        "/a.png": (200, PIXEL),
        "/page.png": (200, b"<html>"),
        "/moved.png": (302, b""),
        "/large.png": (200, b"x" * 2000),
    }

    def do_GET(self) -> None:
        self.asked.append(self.path)
        status, body = self.answers.get(self.path, (404, b""))
        self.send_response(status)
        self.send_header("Location", "http://169.254.169.254/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of a server of pictures."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pictures)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def local(settings: Any, tmp_path: Path) -> None:
    settings.OUTGOING_NETWORKS = ["127.0.0.0/8"]
    settings.MEDIA_HOME = tmp_path / "media"
    Pictures.asked.clear()


@pytest.fixture
def scans(db: None) -> Project:
    return make_project("scans", inputs={"scan": {"type": "image"}})


def lines(*scans: Any) -> bytes:
    return b"\n".join(json.dumps({"key": f"k{place}", "scan": scan}).encode() for place, scan in enumerate(scans, 1))


def imported(project: Project, data: bytes, name: str = "rows.jsonl", **more: Any) -> DataImport:
    owner = make_user("eva", project, Role.ENGINEER)
    upload = uploads.store_upload([data], name=name, owner=owner, at=timezone.now())
    made = import_jobs.start_import(project, upload, by=owner, at=timezone.now(), **more)
    assert made.job_id is not None
    execution.run(made.job_id)
    return DataImport.objects.get(pk=made.pk)


def reasons(made: DataImport) -> dict[int, str]:
    return dict(made.refused_rows.values_list("number", "error"))


def test_an_import_fetches_addresses_and_names_each_row_whose_image_it_cannot_have(
    local: None, scans: Project, address: str
) -> None:
    wrong = ["page.png", "moved.png", "gone.png"]
    good = [{"url": f"{address}/a.png"}, f"{address}/a.png", ONE_PIXEL]
    rows = [*good, *(f"{address}/{name}" for name in wrong), "http://10.0.0.1/a.png", "img/3.png"]

    made = imported(scans, lines(*rows))

    assert (made.created, made.refused, made.finished_at is not None) == (3, 5, True)
    found = reasons(made)
    assert found[4].startswith("`scan` is no image:")
    assert found[5].endswith("/moved.png' answers with status 302; redirects are not followed.")
    assert found[6].endswith("/gone.png' answers with status 404.")
    assert "private addresses are called only where OUTGOING_NETWORKS names their network" in found[7]
    assert "an uploaded file has no folder beside it" in found[8]
    assert len({item.inputs["scan"]["media"] for item in Item.objects.all()}) == 1


def test_a_column_of_addresses_in_a_flat_file_is_fetched(local: None, scans: Project, address: str) -> None:
    made = imported(scans, f"key,scan\na,{address}/a.png\n".encode(), "rows.csv")
    assert (made.created, made.refused) == (1, 0)


def test_a_try_calls_no_server(local: None, scans: Project, address: str) -> None:
    made = imported(scans, lines(f"{address}/a.png", "https://user:secret@a.example/b.png"), dry_run=True)
    assert (made.created, made.refused) == (1, 1) and "user name or a password" in reasons(made)[2]
    assert not Pictures.asked and not Item.objects.exists()


def test_private_addresses_are_refused_without_the_setting(settings: Any, scans: Project, address: str) -> None:
    made = imported(scans, lines(f"{address}/a.png"))
    assert (made.created, made.refused) == (0, 1) and "private addresses" in reasons(made)[1]


def test_an_image_that_is_too_large_is_refused(local: None, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_sources, "LARGEST_PICTURE", 1000)
    with pytest.raises(image_sources.ImageUnavailable, match="has more than"):
        ImageSources(["scan"], folder=None, fetches=True)._image("scan", {"url": f"{address}/large.png"})


def test_a_host_that_is_never_reached_is_not_called_for_each_row(local: None, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []

    def away(url: str, **_: Any) -> outgoing.OutgoingAnswer:
        called.append(url)
        raise outgoing.NotReached("It did not answer within 20 s.")

    monkeypatch.setattr(outgoing, "get", away)
    sources = ImageSources(["scan"], folder=None, fetches=True)
    for place in range(50):
        with pytest.raises(image_sources.ImageUnavailable, match="not fetched"):
            sources._image("scan", f"{UNREACHED}/{place}.png")
    assert len(called) == image_sources.MOST_FAILURES


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("../secret.png", "is not below the file's folder"),
        ("linked.png", "is not below the file's folder"),
        ("gone.png", "there is no such file below the file's folder"),
    ],
)
def test_a_path_leads_nowhere_but_below_the_folder_of_the_file(tmp_path: Path, value: str, words: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "secret.png").write_bytes(PIXEL)
    (folder / "a.png").write_bytes(PIXEL)
    (folder / "linked.png").symlink_to(tmp_path / "secret.png")
    sources = ImageSources(["scan"], folder=folder, fetches=True)
    assert sources._image("scan", "a.png") == ONE_PIXEL
    with pytest.raises(image_sources.ImageUnavailable, match=words):
        sources._image("scan", value)


def test_a_file_may_hold_more_pixels_than_one_request(
    local: None, scans: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "MOST_PIXELS_A_BODY", 3)
    monkeypatch.setattr(importing, "IMAGES_AT_ONCE", 4)
    file = tmp_path / "rows.jsonl"
    file.write_bytes(lines(*[ONE_PIXEL] * 10))
    with file.open("rb") as stream:
        result = import_file(scans, stream, "jsonl", at=NOW)
    assert (result.created, result.refused) == (10, [])


@pytest.mark.parametrize("value", ["https://example.com/a.png", {"url": "https://example.com/a.png"}])
def test_captured_rows_hold_their_images(value: Any) -> None:
    with pytest.raises(BadImage, match="fetched by an import alone"):
        decode_base64(value, PixelBudget())


def test_an_image_in_base_64_is_longer_than_any_name_of_a_file(tmp_path: Path) -> None:
    written = "A" * 300
    sources = ImageSources(["scan"], folder=tmp_path, fetches=True)
    assert sources._image("scan", written) == written
