"""Start a backtest in a throw-away installation, follow it, and leave nothing of it behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from retraining.backtest.options import BacktestOptions, BadBacktest

Progress = Callable[[float, str], None]
ROOT = Path(__file__).resolve().parent.parent.parent
OWN = ("DATABASE_URL", "REDIS_URL", "PLUMBLINE_HOME", "PLUMBLINE_FAULTS")
"""Settings of the installation that asks, which the throw-away one may not see."""

KEY = "of a throw-away installation, where it keeps nobody out and makes the same draws again"


class BacktestDied(RuntimeError):
    """The process ended without an answer; the message holds its last words."""


def replay(options: BacktestOptions, *, progress: Progress) -> dict[str, Any]:
    """The OUT of a backtest. `progress(share, words)` may raise to stop it; whatever ends it, its home is removed.

    Raises BadBacktest with one line where the file cannot be used, and BacktestDied.
    """
    with _throw_away_home() as home, _started(home) as process:
        assert process.stdin and process.stdout  # both are pipes
        given = msgspec.structs.replace(options, file=os.path.abspath(options.file))  # it runs in another folder
        process.stdin.write(json.dumps(msgspec.to_builtins(given)) + "\n")
        process.stdin.flush()
        for line in process.stdout:
            answer = json.loads(line)
            if "error" in answer:
                raise BadBacktest(answer["error"])
            if "result" in answer:
                return dict(answer["result"])
            progress(answer["progress"], answer["words"])
        raise BacktestDied(f"The backtest ended without an answer. {_last_words(home)}".strip())


@contextmanager
def _throw_away_home() -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="plumbline-backtest-"))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _started(home: Path) -> Iterator[subprocess.Popen[str]]:
    """The process, in a group of its own: Ctrl-C reaches its caller alone, who ends it."""
    with (home / "messages.txt").open("w") as messages:
        process = subprocess.Popen(
            [sys.executable, "-m", "retraining.backtest"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=messages,
            text=True,
            cwd=ROOT,
            env=environment(home, os.environ),
            start_new_session=True,
        )
    with process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGKILL)  # the home goes with it: nothing is to be put in order


def environment(home: Path, given: Mapping[str, str]) -> dict[str, str]:
    """The environment of the throw-away installation."""
    kept = {name: value for name, value in given.items() if name not in OWN}
    return {
        **kept,
        "PLUMBLINE_HOME": str(home),
        "TMPDIR": str(home),  # what libraries put beside goes with it
        "SECRET_KEY": KEY,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    }


def _last_words(home: Path) -> str:
    lines = (home / "messages.txt").read_text(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else ""
