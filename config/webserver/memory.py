"""Memory growth of a process: after large batches Python keeps memory that only a new process gives back."""

import os
import time
from pathlib import Path

LOOK_SECONDS = 1.0
STATM = Path("/proc/self/statm")


def resident_bytes() -> int:
    """Bytes of memory that this process holds; 0 where the system does not say (it is Linux's figure)."""
    try:
        return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


class Growth:
    """Whether a process has grown beyond a number of bytes since it began."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._began_with = 0
        self._looked = 0.0
        self._exceeded = False

    def begin(self) -> None:
        self._began_with = resident_bytes()

    def exceeded(self) -> bool:
        """Looked at once a second at most."""
        if time.monotonic() - self._looked >= LOOK_SECONDS:
            self._looked = time.monotonic()
            self._exceeded = resident_bytes() - self._began_with > self.limit
        return self._exceeded
