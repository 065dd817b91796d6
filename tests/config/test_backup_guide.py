"""The guide *Backup and moving*, run word for word on an installation with one project."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.config.test_guide import PATIENCE, environment, folder, shell_blocks

GUIDE = "backup-and-moving.md"
SPEC = {"title": "Tickets", "kind": "choice", "labels": ["billing", "other"], "inputs": {"text": {"type": "text"}}}
__all__ = ["folder"]  # the fixture

pytestmark = pytest.mark.services


def test_the_guide_leads_from_a_backup_to_a_project_elsewhere(folder: Path) -> None:  # noqa: F811
    (folder / "tickets.json").write_text(json.dumps(SPEC))
    given = environment(folder / "home", 8000)
    prepare = "./plumbline create_project tickets --spec tickets.json --admin maria"
    script = "\n".join(["set -eu", prepare, *shell_blocks(GUIDE)])

    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=given,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "It holds the signing key: keep it as secret." in done.stdout
    assert "every hash verified" in done.stdout and done.stdout.count("the chain is complete") >= 2
    assert "WRONG  worker: No worker was ever seen." in done.stdout and "Something is wrong." in done.stdout
    assert "Project tickets-2 is imported" in done.stdout
    assert not list((folder / "elsewhere").glob("*.restoring"))
