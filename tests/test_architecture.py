"""The architecture is a contract: `.importlinter` holds, and the models are all migrated."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

ROOT = Path(__file__).parent.parent


def test_imports_point_one_way() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    found = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout


@pytest.mark.django_db
def test_no_model_waits_for_a_migration() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_every_request_is_typed() -> None:
    apps = ("config", "overview", "projects", "jobs", "annotation", "analysis", "retraining")
    sources = [path for app in apps for path in (ROOT / app).rglob("*.py")]
    untyped = [str(path) for path in sources if re.search(r"\brequest: Any\b", path.read_text())]
    assert len(sources) > 100 and untyped == []
