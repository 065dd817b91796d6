"""Try an artifact from elsewhere in a process of its own, with limits, before this installation signs it."""

import os
import resource
import signal

from retraining import artifacts
from retraining.learning.families import artifact

CPU_SECONDS = 120
MEMORY = 4 * 2**30  # bytes that loading may take beside what this process has already
REFUSED = 3


def vet(data: bytes, *, family: str) -> None:
    """Raises ArtifactRefused unless the bytes load as a model of this family, by its list of what it may consist of.

    A crafted file that makes the readers take all memory, never end or crash ends a child of this process.
    """
    artifacts.check_unpacked(data)
    inward, outward = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(inward)
        os._exit(_load(data, family, outward))
    os.close(outward)
    with os.fdopen(inward, "rb") as words:
        why = words.read(2000).decode(errors="replace")
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == REFUSED:
        raise artifacts.ArtifactRefused(why)
    if code:
        raise artifacts.ArtifactRefused("Loading it did not end within its limits of time and memory.")


def _load(data: bytes, family: str, outward: int) -> int:
    """In the child: the exit status; why it was refused goes to the parent."""
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        limit = _address_space() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        artifact.load(data, family=family)
    except artifact.UntrustedArtifact as why:
        os.write(outward, str(why).encode()[:2000])
        return REFUSED
    except BaseException:
        return 1
    return 0


def _address_space() -> int:
    """Bytes of address space of this process."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()
