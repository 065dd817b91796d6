"""The file broker's tables of queues: emptied before they are written, so that a process may find one empty."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection

from config import file_broker


@pytest.fixture
def channel(tmp_path: Path) -> Any:
    file_broker.install()
    folders = {"data_folder_in": "messages", "data_folder_out": "messages", "control_folder": "control"}
    for name in ("messages", "control"):
        (tmp_path / name).mkdir()
    options = {name: str(tmp_path / folder) for name, folder in folders.items()}
    with Connection("filesystem://localhost/", transport_options=options) as connection:
        yield connection.channel()


def table(channel: Any) -> Path:
    return Path(channel.control_folder, "default.exchange")


def bind(channel: Any, queue: str) -> None:
    channel._queue_bind("default", queue, "", queue)


def test_a_worker_starts_after_one_was_killed_before_it_wrote_its_table(channel: Any) -> None:
    table(channel).touch()
    bind(channel, "default")
    assert [entry.queue for entry in channel.get_table("default")] == ["default"]


def test_a_table_that_is_being_written_is_waited_for(channel: Any) -> None:
    bind(channel, "default")
    written = table(channel).read_bytes()
    table(channel).write_bytes(b"")

    def write_late() -> None:
        time.sleep(2 * file_broker.PAUSE_SECONDS)
        table(channel).write_bytes(written)

    writer = threading.Thread(target=write_late)
    writer.start()
    bind(channel, "files")
    writer.join()
    assert {entry.queue for entry in channel.get_table("default")} == {"default", "files"}


def test_a_table_that_nobody_writes_has_no_queues(channel: Any) -> None:
    table(channel).touch()
    assert channel.get_table("default") == []
