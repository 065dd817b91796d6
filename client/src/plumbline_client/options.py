"""How the background delivery gathers, keeps and sends rows."""

import os
from dataclasses import dataclass
from pathlib import Path

MOST_ROWS_OF_SERVER = 10_000
MOST_BYTES_OF_SERVER = 16 * 2**20
LARGEST_ROW = 15 * 2**20


@dataclass(frozen=True)
class DeliveryOptions:
    """Times in seconds, sizes in bytes.

    `write_every`: rows logged within so long are written to the spool together; a killed process loses at most these.
    `send_every`: rows are gathered so long for one request. `batch_rows`, `batch_bytes`: a larger batch is cut.
    `buffer_bytes`: what may wait in memory; `spool_bytes`: what may wait on disk. Rows beyond are dropped and counted.
    `first_wait`, `longest_wait`: the wait after a first failure, doubled after each further one up to the longest.
    """

    write_every: float = 0.1
    send_every: float = 1.0
    batch_rows: int = 2_000
    batch_bytes: int = 4 * 2**20
    buffer_bytes: int = 64 * 2**20
    spool_bytes: int = 1024 * 2**20
    first_wait: float = 0.5
    longest_wait: float = 60.0
    timeout: float = 30.0

    def __post_init__(self) -> None:
        if not 1 <= self.batch_rows <= MOST_ROWS_OF_SERVER:
            raise ValueError(f"batch_rows takes 1 to {MOST_ROWS_OF_SERVER:,}, the most rows that the server takes.")
        if not 1 <= self.batch_bytes <= LARGEST_ROW:
            raise ValueError(f"batch_bytes takes 1 to {LARGEST_ROW:,}; the server takes {MOST_BYTES_OF_SERVER:,}.")
        for name in ("write_every", "send_every", "first_wait", "longest_wait", "timeout"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} takes a number above 0.")


def default_spool() -> Path:
    """Where spools lie if the caller names no folder: the state folder of the user."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "plumbline-client"
