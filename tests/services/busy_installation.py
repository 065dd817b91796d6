"""An installation that is written to until a file says stop: predictions, images, labels and a training run.

Runs in a process of its own with PLUMBLINE_HOME (and DATABASE_URL) set: python -m tests.services.busy_installation
FOLDER. Each row that a call acknowledged is one line of FOLDER/acknowledged, written after the call returned.
"""

import io
import itertools
import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from base64 import b64encode  # noqa: E402

from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402
from PIL import Image  # noqa: E402

from annotation import labels, leases  # noqa: E402
from annotation.capture.storage import capture_rows  # noqa: E402
from projects import audit  # noqa: E402
from projects.models import Project, User  # noqa: E402
from tests.factories import make_project, make_user  # noqa: E402
from tests.retraining import scenarios  # noqa: E402

ROWS = 20
numbers = itertools.count()


class Diary:
    """Lines of what was acknowledged, and whether to go on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lines = (folder / "acknowledged").open("w")
        self._lock = threading.Lock()

    def write(self, noun: str, names: list[str]) -> None:
        with self._lock:
            self._lines.writelines(json.dumps([noun, name]) + "\n" for name in names)
            self._lines.flush()

    @property
    def goes_on(self) -> bool:
        return not (self.folder / "stop").exists()


def capture(project: Project, user: User, diary: Diary) -> None:
    rows = [{"key": f"k{next(numbers)}", "inputs": {"x": 0.5, "y": 1.0}, "model_version": "m"} for _ in range(ROWS)]
    assert not capture_rows(project, rows, at=timezone.now()).refused
    diary.write("item", [row["key"] for row in rows])  # type: ignore[misc]


def capture_picture(project: Project, user: User, diary: Diary) -> None:
    number, file = next(numbers), io.BytesIO()
    Image.new("L", (8, 8), number % 256).save(file, "PNG", pnginfo=None, comment=str(number))
    image = b64encode(file.getvalue()).decode()
    row = {"key": f"p{number}", "inputs": {"scan": image}, "model_version": "m"}
    found = capture_rows(project, [row], at=timezone.now())
    assert not found.refused, found.refused
    diary.write("item", [f"p{number}"])


def label(project: Project, user: User, diary: Diary) -> None:
    for lease in leases.claim(project, by=user, count=5, at=timezone.now()):
        found = labels.submit(project, lease.token, value="ham", by=user, at=timezone.now())
        assert found.status == "created", found
        diary.write("label", [lease.token])


def write_events(project: Project, user: User, diary: Diary) -> None:
    event = audit.record("member.role", by=user, at=timezone.now(), project=project)
    diary.write("event", [event.hash])


def train(project: Project, user: User, diary: Diary) -> None:
    version = scenarios.train(project)
    diary.write("version", [version.artifact_sha256])
    scenarios.learn(project, 2, seed=version.number)


def main(folder: Path) -> None:
    diary = Diary(folder)
    project = scenarios.make_numeric_project("numbers")
    pictures = make_project("pictures", inputs={"scan": {"type": "image"}})
    user = make_user("ada", project, "admin")
    scenarios.learn(project, 60)
    capture(project, user, diary)
    works: list[tuple[Callable[..., None], Project]] = [
        *((capture, project), (label, project), (write_events, project), (capture_picture, pictures), (train, project))
    ]
    failures: list[str] = []

    def repeat(work: Callable[..., None], project: Project) -> None:
        try:
            while diary.goes_on and not failures:
                work(project, user, diary)
        except BaseException as error:  # said at the end
            failures.append(f"{work.__name__}: {type(error).__name__}: {error}")
        finally:
            connection.close()

    threads = [threading.Thread(target=repeat, args=each) for each in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        sys.exit("; ".join(failures))


if __name__ == "__main__":
    given: Any = sys.argv[1]
    main(Path(given))
