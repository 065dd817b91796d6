"""The home folder: where database, images, artifacts, broker folder and secret live, readable by its owner only."""

import os
import stat
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

FOLDERS = ("media", "artifacts")
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def prepare(home: Path) -> None:
    """Make the home and its folders, and take away what others may do with them and with the files beside them."""
    os.umask(OTHERS)  # what this process writes from now on, the database's own files included
    for folder in (home, *(home / name for name in FOLDERS)):
        try:
            folder.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
        except OSError as why:
            raise ImproperlyConfigured(
                f"The home {folder} cannot be made: {why.strerror}. PLUMBLINE_HOME names another place."
            ) from None
    if not os.access(home, os.W_OK | os.X_OK):
        raise ImproperlyConfigured(f"The home {home} cannot be written to. PLUMBLINE_HOME names another place.")
    for path in _entries(home):
        _restrict(path)


def list_exposed(home: Path) -> list[Path]:
    """What others may still read or write: it belongs to another user, so that its mode could not be set."""
    return [path for path in _entries(home) if not path.is_symlink() and path.stat().st_mode & OTHERS]


def _entries(home: Path) -> list[Path]:
    return [home, *sorted(home.iterdir())]


def _restrict(path: Path) -> None:
    try:
        found = path.lstat()
        if found.st_mode & OTHERS and found.st_uid == os.geteuid() and not stat.S_ISLNK(found.st_mode):
            path.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS)
    except FileNotFoundError:  # a file of the database that another process has just removed
        pass
