"""Logging: sends every row once, reports what is refused, and loses nothing while the server is away."""

import json
import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import numpy as np
import pytest
from plumbline_client import Client, DeliveryOptions, RefusedRow

from tests.client.fake_server import FakeServer, away, sent_rows

SOURCE = Path(__file__).resolve().parents[2] / "client" / "src"


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


def test_logged_rows_arrive_in_batches_with_key_time_and_authorisation(server: FakeServer) -> None:
    with server.client() as client:
        keys = [client.predictions.log({"text": f"message {n}"}, scores={"a": 0.7, "b": 0.3}) for n in range(50)]
        signal = client.signals.log(keys[0], "thumbs_down", actor="customer 1")
        assert client.flush()

    assert set(server.rows) == {*keys, signal}
    assert server.rows[keys[7]]["inputs"] == {"text": "message 7"}
    assert datetime.fromisoformat(server.rows[keys[7]]["at"]).tzinfo is not None
    assert server.rows[signal]["kind"] == "thumbs_down" and server.rows[signal]["actor"] == "customer 1"
    assert len(server.requests) < 10
    assert {request.headers["Authorization"] for request in server.requests} == {"Bearer plumb_key"}
    assert len({request.headers["Idempotency-Key"] for request in server.requests}) == len(server.requests)


def test_numbers_of_numpy_times_and_the_like_are_written_as_json(server: FakeServer) -> None:
    inputs = {
        "float": np.float32(0.5),
        "count": np.int64(3),
        "vector": np.arange(2),
        "at": datetime(2026, 1, 1, tzinfo=UTC),
        "price": Decimal("1.5"),
        "id": UUID(int=1),
        "tags": ("a", "b"),
    }
    with server.client() as client:
        key = client.predictions.log(inputs, label="a")
        client.flush()

    assert server.rows[key]["inputs"] == {
        "float": 0.5,
        "count": 3,
        "vector": [0, 1],
        "at": "2026-01-01T00:00:00+00:00",
        "price": 1.5,
        "id": str(UUID(int=1)),
        "tags": ["a", "b"],
    }


def test_a_row_is_what_it_was_when_it_was_logged(server: FakeServer) -> None:
    inputs = {"text": "before"}
    with server.client() as client:
        key = client.predictions.log(inputs)
        inputs["text"] = "after"
        client.flush()

    assert server.rows[key]["inputs"] == {"text": "before"}


def test_what_json_cannot_hold_is_reported_and_never_raised(server: FakeServer) -> None:
    refused: list[RefusedRow] = []
    with server.client(on_refused=refused.append) as client:
        client.predictions.log({"thing": object()})
        circle: dict[str, Any] = {}
        circle["self"] = circle
        client.predictions.log(circle)
        client.predictions.log({"text": "x" * (16 * 2**20)})
        kept = client.predictions.log({"text": "good"})
        client.flush()

    assert [one.error.split(":")[0] for one in refused[:2]] == ["The row cannot be written as JSON"] * 2
    assert "at most" in refused[2].error
    assert set(server.rows) == {kept}


def test_a_refused_row_is_reported_once_and_not_sent_again(server: FakeServer) -> None:
    refused: list[RefusedRow] = []
    server.refuses = lambda row: "`label` is 'c'; the labels are a, b." if row["label"] == "c" else None

    def report(row: RefusedRow) -> None:
        refused.append(row)
        raise RuntimeError("the caller's own fault")

    with server.client(on_refused=report) as client:
        for label in "acab":
            client.predictions.log({"text": label}, label=label)
        assert client.flush()
        counts = client.counts()

    assert [(one.row["label"], one.field) for one in refused] == [("c", "label")]
    assert (counts.logged, counts.created, counts.refused) == (4, 3, 1)
    assert sum(row["label"] == "c" for request in server.requests for row in sent_rows(request)) == 1


def test_a_batch_that_is_refused_as_a_whole_is_sent_in_halves_until_the_row_stands_alone(server: FakeServer) -> None:
    refused: list[RefusedRow] = []

    def refuse_batches_with_bad(request: httpx.Request) -> httpx.Response | None:
        bad = any(row["inputs"]["text"] == "bad" for row in sent_rows(request))
        return httpx.Response(413, json={"detail": "The body is too large."}) if bad else None

    server.failing = refuse_batches_with_bad
    with server.client(on_refused=refused.append) as client:
        keys = [client.predictions.log({"text": "bad" if n == 6 else f"message {n}"}) for n in range(20)]
        assert client.flush()

    assert set(server.rows) == set(keys) - {keys[6]}
    assert [one.error for one in refused] == ["413: The body is too large."]


@pytest.mark.parametrize("status", [401, 403, 404, 409, 429, 500, 503, 302])
def test_no_row_is_lost_while_the_server_answers_otherwise(server: FakeServer, status: int) -> None:
    server.failing = lambda request: httpx.Response(status) if len(server.requests) < 4 else None
    with server.client() as client:
        keys = {client.predictions.log({"text": str(n)}) for n in range(10)}
        assert client.flush()

    assert set(server.rows) == keys and client.counts().refused == 0


def test_an_answer_of_another_program_is_not_taken_for_a_capture(server: FakeServer) -> None:
    server.failing = lambda request: httpx.Response(200, html="Sign in") if len(server.requests) < 3 else None
    with server.client() as client:
        key = client.predictions.log({"text": "x"})
        assert client.flush()

    assert set(server.rows) == {key}


def test_a_batch_whose_answer_is_lost_is_sent_again_under_its_name(server: FakeServer) -> None:
    def lose_first_answer(request: httpx.Request) -> httpx.Response | None:
        if len(server.requests) == 1:
            server._capture(sent_rows(request))
            raise httpx.ReadError("cut", request=request)
        return None

    server.failing = lose_first_answer
    with server.client() as client:
        key = client.predictions.log({"text": "x"})
        assert client.flush()

    first, second = server.requests
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"] and first.content == second.content
    assert set(server.rows) == {key} and client.counts().existing == 1


def test_memory_is_bounded_and_what_has_no_space_is_counted(server: FakeServer) -> None:
    server.failing = away
    dropped: list[int] = []
    options = DeliveryOptions(write_every=0.005, send_every=0.01, first_wait=0.01, buffer_bytes=10_000)
    with Client(
        "http://server",
        "banking",
        "k",
        spool=None,
        options=options,
        transport=server.transport,
        on_dropped=lambda number, why: dropped.append(number),
    ) as client:
        for _ in range(1_000):
            client.predictions.log({"text": "x" * 100})
        until(lambda: sum(dropped) > 700)

    assert sum(dropped) == 1_000 and client.counts().dropped == 1_000  # those that waited are lost at the exit


def test_rows_that_waited_on_disk_are_sent_at_the_next_start(server: FakeServer, tmp_path: Path) -> None:
    server.failing = away
    with server.client(tmp_path) as client:
        keys = {client.predictions.log({"text": str(n)}) for n in range(30)}
        assert not client.flush(0.1)
    assert not server.rows and list(tmp_path.rglob("*.jsonl"))

    server.failing = lambda request: None
    with server.client(tmp_path) as client:
        until(lambda: len(server.rows) == 30)
        client.predictions.log({"text": "one more"}, key="later")
        assert client.flush()

    assert set(server.rows) == {*keys, "later"}
    assert not list(tmp_path.rglob("*.jsonl"))


def test_rows_wait_in_memory_where_the_spool_cannot_be_written(server: FakeServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with server.client(tmp_path / "file") as client:
        key = client.predictions.log({"text": "x"})
        assert client.flush()

    assert set(server.rows) == {key}


def test_a_closed_client_reports_what_is_logged_too_late(server: FakeServer) -> None:
    dropped: list[str] = []
    client = server.client(on_dropped=lambda number, why: dropped.append(why))
    client.close()
    client.predictions.log({"text": "x"})

    assert dropped == ["the client is closed"]


def test_many_threads_log_at_once_and_nothing_is_lost(server: FakeServer, tmp_path: Path) -> None:
    with server.client(tmp_path) as client:

        def log_many(name: int) -> None:
            for n in range(300):
                client.predictions.log({"text": "x"}, key=f"{name}-{n}")

        threads = [threading.Thread(target=log_many, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert client.flush()
        assert client.counts().logged == client.counts().created == 1_200

    assert len(server.rows) == 1_200


def test_options_that_the_server_would_refuse_are_refused() -> None:
    with pytest.raises(ValueError, match="10,000"):
        DeliveryOptions(batch_rows=20_000)
    with pytest.raises(ValueError, match="send_every"):
        DeliveryOptions(send_every=0)


PROGRAM = """
import os, sys, time
import httpx
from plumbline_client import Client, DeliveryOptions

def away(request):
    raise httpx.ConnectError("refused", request=request)

options = DeliveryOptions(write_every=0.01, send_every=0.02)
client = Client("http://server", "banking", "plumb_key", spool=sys.argv[1], options=options,
                transport=httpx.MockTransport(away))
"""


def run(program: str, spool: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM + program, str(spool)],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        stdout=subprocess.PIPE,
        text=True,
    )


def run_to_end(program: str, spool: Path) -> None:
    with run(program, spool) as process:
        assert process.wait(60) == 0


def test_what_was_written_outlives_a_killed_process(server: FakeServer, tmp_path: Path) -> None:
    program = """
for n in range(500):
    client.predictions.log({"text": str(n)}, key=str(n))
time.sleep(1)
print("written", flush=True)
time.sleep(60)
"""
    with run(program, tmp_path) as process:
        assert process.stdout.readline() == "written\n"
        process.kill()
    segment = next(tmp_path.rglob("*.jsonl"))
    with segment.open("ab") as file:
        file.write(b'{"key": "cut')  # as a kill within a write leaves it

    with server.client(tmp_path) as client:
        client.predictions.log({"text": "x"}, key="new")
        until(lambda: len(server.rows) == 501)
        assert client.flush() and client.counts().torn == 1

    assert set(server.rows) == {*map(str, range(500)), "new"}


def test_two_processes_on_one_spool_send_each_file_once(server: FakeServer, tmp_path: Path) -> None:
    program = 'client.predictions.log({"text": "x"}, key="living"); time.sleep(1); print(flush=True); time.sleep(60)'
    with run(program, tmp_path) as living:
        living.stdout.readline()
        run_to_end('client.predictions.log({"text": "x"}, key="left"); client.close()', tmp_path)
        clients = [server.client(tmp_path) for _ in range(4)]
        for number, client in enumerate(clients):
            client.predictions.log({"text": "x"}, key=f"own {number}")
        until(lambda: len(server.rows) == 5)
        assert all(client.flush() for client in clients)
        for client in clients:
            client.close()
        living.kill()

    assert set(server.rows) == {"left", *(f"own {number}" for number in range(4))}
    sent = [row["key"] for request in server.requests for row in sent_rows(request)]
    assert len(sent) == len(set(sent))
    assert len(list(tmp_path.rglob("*.jsonl"))) == 1  # the living process's own


def test_a_forked_child_sends_its_own_rows_and_none_of_its_parents(tmp_path: Path) -> None:
    program = """
client.predictions.log({"text": "x"}, key="parent")
child = os.fork()
client.predictions.log({"text": "x"}, key="child" if not child else "parent after")
client.close()
if not child:
    os._exit(0)
os.waitpid(child, 0)
"""
    run_to_end(program, tmp_path)

    files = [file.read_text() for file in tmp_path.rglob("*.jsonl")]
    keys = [json.loads(line)["key"] for text in files for line in text.splitlines()]
    assert sorted(keys) == ["child", "parent", "parent after"]


def test_no_thread_imports_a_module_of_the_package_so_that_a_fork_meets_no_half_imported_one() -> None:
    program = "import sys, plumbline_client; print('plumbline_client.folder_spool' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": str(SOURCE)}, capture_output=True, text=True
    )
    assert done.stdout == "True\n"


def test_the_exit_of_a_program_writes_what_was_logged(tmp_path: Path) -> None:
    run_to_end('client.predictions.log({"text": "x"}, key="last")', tmp_path)

    assert "last" in next(tmp_path.rglob("*.jsonl")).read_text()


def test_a_child_of_multiprocessing_writes_what_it_logged(tmp_path: Path) -> None:
    program = """
import multiprocessing
def work():
    client.predictions.log({"text": "x"}, key="child")
process = multiprocessing.get_context("fork").Process(target=work)
process.start()
process.join()
"""
    run_to_end(program, tmp_path)

    assert "child" in next(tmp_path.rglob("*.jsonl")).read_text()


def until(condition: Any) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "the condition did not come true"
        time.sleep(0.01)
