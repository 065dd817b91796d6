"""The guide *Your own model in ten minutes*, run word for word against a server that it starts."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDE = "your-own-model.md"
SERVER = "./plumbline up"
PATIENCE = 300  # seconds: a loaded machine needs several times as long as an idle one

pytestmark = pytest.mark.services


def text_of(guide: str) -> str:
    return (ROOT / "docs" / guide).read_text(encoding="utf-8")


def shell_blocks(guide: str) -> list[str]:
    """Every block of a guide, in order; all of them are for the shell."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```", text_of(guide), re.DOTALL | re.MULTILINE)
    assert {language for language, _ in fenced} == {"sh"}
    return [block for _, block in fenced]


def environment(home: Path, port: int) -> dict[str, str]:
    given = {
        name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL", "SECRET_KEY"}
    }
    path = f"{Path(sys.executable).parent}:{given['PATH']}"
    return {**given, "PATH": path, "PLUMBLINE_HOME": str(home), "PORT": str(port), "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a person would be: the files that the guide writes stay out of the repository."""
    (tmp_path / "plumbline").symlink_to(ROOT / "plumbline")
    return tmp_path


@pytest.fixture
def given(folder: Path) -> Iterator[dict[str, str]]:
    """The environment of the second terminal, while the first one runs the server as the guide says."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    given, log = environment(folder / "home", port), folder / "up.log"
    with log.open("w") as out:
        words = ["bash", "-c", f"exec {shell_blocks(GUIDE)[0]}"]
        server = subprocess.Popen(words, cwd=folder, env=given, stdout=out, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + PATIENCE
        while "Ctrl-C stops" not in log.read_text():
            assert server.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield given
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(60)


def test_the_guide_leads_from_nothing_to_a_measured_model(folder: Path, given: dict[str, str]) -> None:
    server, *others = shell_blocks(GUIDE)
    assert server.startswith(SERVER) and not any(SERVER in block for block in others)

    done = subprocess.run(
        ["bash", "-c", "set -eu\n" + "\n".join(others)],
        cwd=folder,
        env=given,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Project tickets is made: 3 labels, 2 inputs. Administered by maria." in done.stdout
    for quoted in re.findall(r"The answer is `([^`]+)`", text_of(GUIDE)):
        assert quoted in done.stdout
    assert "'created': 300, 'existing': 0, 'refused': []" in done.stdout
    found = json.loads((folder / "metrics.json").read_text())
    assert (found["model_version"], found["items"]) == ("router-7", 301)
    assert found["n"] >= 50 and found["audit_labels"] > 0
    assert found["accuracy"]["low"] < found["accuracy"]["value"] < found["accuracy"]["high"]
