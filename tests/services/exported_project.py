"""Make an installation with one project and export it: python -m tests.services.exported_project FILE, with its home
in PLUMBLINE_HOME."""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402

from annotation import labels, leases  # noqa: E402
from annotation.capture.storage import capture_rows  # noqa: E402
from tests.factories import make_user  # noqa: E402
from tests.retraining import scenarios  # noqa: E402

ROWS = 1_000


def main(file: str) -> None:
    project = scenarios.make_numeric_project("numbers")
    ada = make_user("ada", project, "admin")
    scenarios.learn(project, 60)
    scenarios.make_champion(project)
    for start in range(0, 3 * ROWS, ROWS):
        rows = [{"key": f"k{start + n}", "inputs": {"x": n / 7, "y": 1.0}, "model_version": "m"} for n in range(ROWS)]
        assert not capture_rows(project, rows, at=timezone.now()).refused
    for lease in leases.claim(project, by=ada, count=5, at=timezone.now()):
        labels.submit(project, lease.token, value="ham", by=ada, at=timezone.now())
    call_command("export_project", "numbers", file)


if __name__ == "__main__":
    main(sys.argv[1])
