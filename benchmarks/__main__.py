"""`make bench`: every benchmark in turn, JSON lines on standard output. `python -m benchmarks.NAME` runs one."""

import subprocess
import sys
from pathlib import Path


def main() -> int:
    names = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
    return max(subprocess.run([sys.executable, "-m", f"benchmarks.{name}"]).returncode for name in names)


if __name__ == "__main__":
    sys.exit(main())
