"""A ZIP of images becomes a table; what leads out of it, is too much or fits nothing is refused in one sentence."""

import base64
import io
import json
import zipfile
from typing import Any

import pytest

from annotation import uploads
from annotation.image_zips import table_parts
from annotation.models import StoredUpload
from annotation.uploads import UploadRefused
from projects.zip_files import UnsafeZip
from tests.factories import NOW, make_user
from tests.pictures import grey

IMAGE = grey()
ENCODED = base64.b64encode(IMAGE).decode()


def packed(files: dict[str, bytes | str]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return made.getvalue()


@pytest.fixture
def media_home(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_HOME = tmp_path


def table(data: bytes) -> tuple[str, str]:
    ending, *rows = table_parts(io.BytesIO(data), name="photos.zip", size=len(data))
    return ending.decode(), b"".join(rows).decode()


def test_images_alone_are_rows_with_their_path_as_key_and_their_folder() -> None:
    ending, rows = table(packed({"cats/a.png": IMAGE, "b.PNG": IMAGE, "__MACOSX/cats/._a.png": b"", ".DS_Store": b""}))
    assert ending == ".jsonl"
    assert [json.loads(row) for row in rows.splitlines()] == [
        {"key": "cats/a.png", "folder": "cats", "image": ENCODED},
        {"key": "b.PNG", "image": ENCODED},
    ]


def test_a_csv_inside_names_its_images_from_its_own_folder_or_the_top() -> None:
    files: dict[str, bytes | str] = {"set/rows.csv": "photo;label\na.png;ham\nset/b.png;spam\n"}
    ending, rows = table(packed({**files, "set/a.png": IMAGE, "set/b.png": IMAGE}))
    assert ending == ".csv"
    assert rows == f"key,photo,label\nset/a.png,{ENCODED},ham\nset/b.png,{ENCODED},spam\n"


def test_a_jsonl_inside_keeps_its_keys_and_fills_images_in_its_inputs() -> None:
    given = [{"key": "k", "photo": "a.png", "n": 1}, {"inputs": {"photo": "b.png"}, "label": "ham"}]
    ending, rows = table(packed({"rows.jsonl": "\n".join(map(json.dumps, given)), "a.png": IMAGE, "b.png": IMAGE}))
    assert ending == ".jsonl"
    assert [json.loads(row) for row in rows.splitlines()] == [
        {"key": "k", "photo": ENCODED, "n": 1},
        {"key": "b.png", "inputs": {"photo": ENCODED}, "label": "ham"},
    ]


def test_half_of_a_surrogate_pair_is_left_to_the_check_of_each_row() -> None:
    line = '{"key": "k", "photo": "a.png", "text": "\\ud800 é"}'
    _, rows = table(packed({"rows.jsonl": line, "a.png": IMAGE}))
    assert json.loads(rows) == {"key": "k", "photo": ENCODED, "text": "\ud800 é"}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"../a.png": IMAGE}, "no file below its own folder"),
        ({"/etc/a.png": IMAGE}, "no file below its own folder"),
        ({"a\\..\\b.png": IMAGE}, "no file below its own folder"),
        ({"a.png": IMAGE, ".": b"MZ"}, "images and one CSV or JSONL file"),
        ({"a.png": IMAGE, "run.exe": b"MZ"}, "images and one CSV or JSONL file"),
        ({"rows.csv": "a\nb\n"}, "holds 0 images"),
        ({"a.png": IMAGE, "one.csv": "a\n", "two.jsonl": "{}"}, "holds 2 tables"),
        ({"a.png": IMAGE, "b.png": IMAGE, "rows.csv": "photo\na.png\n"}, "no row names, such as b.png"),
        ({"a.png": IMAGE, "rows.jsonl": "[1]"}, "no object"),
        ({"a.png": IMAGE, "rows.jsonl": "{"}, "no JSON"),
        ({"a.png": IMAGE, "rows.csv": b"photo\n\xff\xfe\xfa"}, "not UTF-8"),
        ({"bomb.png": b"\0" * 20_000_000}, "more than 200 times"),
    ],
)
def test_what_cannot_be_taken_is_refused_in_words(files: dict[str, Any], words: str) -> None:
    with pytest.raises(UnsafeZip, match=words):
        table(packed(files))


def test_a_link_an_encrypted_part_and_a_damaged_file_are_refused() -> None:
    link = zipfile.ZipInfo("a.png")
    link.external_attr = 0o120777 << 16
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr(link, "/etc/passwd")
    with pytest.raises(UnsafeZip, match="no file below"):
        table(made.getvalue())
    whole = packed({"a.png": IMAGE})
    place = whole.index(b"a.png") + len("a.png")  # of its packed bytes
    for bad in (whole[:-30], b"PK\x03\x04" + b"x" * 50, whole[:place] + b"\xff" * 9 + whole[place + 9 :]):
        with pytest.raises(UnsafeZip, match="damaged"):
            table(bad)


@pytest.mark.django_db
def test_an_upload_of_a_zip_is_kept_as_its_table_and_a_refused_one_not_at_all(media_home: Any) -> None:
    owner = make_user("ada")
    stored = uploads.store_table([packed({"cats/a.png": IMAGE})], name="photos.zip", owner=owner, at=NOW)
    assert (stored.name, stored.sent_name) == (
        "photos.zip.jsonl",
        "photos.zip",
    ) and StoredUpload.objects.get() == stored
    with uploads.opened(stored) as file:
        assert json.loads(file.read())["image"] == ENCODED
    with pytest.raises(UploadRefused, match=r"^bad\.zip holds '\.\./a\.png', which is no file below"):
        uploads.store_table([packed({"../a.png": IMAGE})], name="bad.zip", owner=owner, at=NOW)
    files: dict[str, bytes | str] = {"a.png": IMAGE, "b.png": IMAGE, "rows.csv": "photo\na.png\n"}
    with pytest.raises(UploadRefused, match="no row names"):
        uploads.store_table([packed(files)], name="bad.zip", owner=owner, at=NOW)
    assert StoredUpload.objects.get() == stored
