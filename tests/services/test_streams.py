"""A consumer of a real Redis that is killed in the middle of its work: nothing is lost, and nothing is there twice."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import redis

ROOT = Path(__file__).resolve().parents[2]
ROWS, BAD = 600, 6
SPEC = {"title": "Mail", "kind": "choice", "labels": ["ham", "spam"], "inputs": {"text": {"type": "text"}}}
pytestmark = pytest.mark.services


SET_UP = """
import json, sys
import django
django.setup()
from django.core.management import call_command
from django.utils import timezone
from projects import specs
call_command("migrate", verbosity=0)
specs.create_project("mail", json.loads(sys.argv[1]), by=None, at=timezone.now())
"""


def python(home: Path, *words: str) -> "subprocess.Popen[str]":
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment |= {"PLUMBLINE_HOME": str(home), "LOG_LEVEL": "ERROR", "DJANGO_SETTINGS_MODULE": "config.settings"}
    return subprocess.Popen(
        [sys.executable, *words],
        cwd=ROOT,
        env=environment | {"OMP_NUM_THREADS": "1"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def end_of(begun: "subprocess.Popen[str]") -> str:
    out, error = begun.communicate(timeout=240)
    assert begun.returncode == 0, error[-2000:]
    return out


def count(home: Path, table: str) -> int:
    with sqlite3.connect(home / "plumbline.sqlite3", timeout=30) as database:
        return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_a_consumer_that_is_killed_loses_and_doubles_nothing(redis_url: str, tmp_path: Path) -> None:
    end_of(python(tmp_path, "-c", SET_UP, json.dumps(SPEC)))
    broker: Any = redis.Redis.from_url(redis_url.replace("redis+socket://", "unix://"), decode_responses=True)
    for number in range(ROWS):
        broker.xadd("rows", {"row": json.dumps({"key": f"m{number}", "inputs": {"text": f"{number}"}, "label": "ham"})})
        if number % (ROWS // BAD) == 0:
            broker.xadd("rows", {"row": json.dumps({"key": f"bad{number}", "inputs": {}, "label": "none"})})
        if number % 3 == 0:
            signal = {"id": f"s{number}", "key": f"m{number}", "kind": "thumbs_up"}
            broker.xadd("rows", {"row": json.dumps(signal), "kind": "signal"})
    options = ["--redis", redis_url, "--batch", "20", "--claim-seconds", "0.5", "--json"]
    command = ["manage.py", "consume", "mail", "rows", *options]

    consumers = [python(tmp_path, *command) for _ in range(2)]
    for number, consumer in enumerate(consumers, 1):
        deadline = time.monotonic() + 120
        while count(tmp_path, "annotation_item") < number * ROWS // 4 and time.monotonic() < deadline:
            assert consumer.poll() is None, consumer.communicate()
            time.sleep(0.02)
        consumer.kill()
        consumer.communicate()
    assert count(tmp_path, "annotation_item") < ROWS, "they were killed in the middle"
    done = json.loads(end_of(python(tmp_path, *command, "--until-empty")))

    assert count(tmp_path, "annotation_item") == ROWS and count(tmp_path, "annotation_prediction") == ROWS
    assert count(tmp_path, "annotation_signal WHERE item_id IS NOT NULL") == ROWS // 3
    dead = [fields for _, fields in broker.xrange("rows:dead")]
    assert len(dead) == len({one["id"] for one in dead}) == BAD
    assert all("text" in one["reason"] for one in dead)
    [group] = broker.xinfo_groups("rows")
    assert (group["pending"], group["name"]) == (0, "plumbline")
    newest = broker.xinfo_stream("rows")["last-generated-id"]
    assert group["last-delivered-id"] == newest and done["dead"] <= BAD
