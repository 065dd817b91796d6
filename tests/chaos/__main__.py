"""`make chaos SEED=1`: at least 100 kills, half on SQLite with files, half on PostgreSQL with Redis."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from tests.chaos import servers


def attack(name: str, environment: dict[str, str], *, seed: int, kills: int) -> dict[str, object]:
    """Run one crash test in a process of its own and return its verdict."""
    with tempfile.TemporaryDirectory(prefix="plumbline-chaos-") as home:
        quick = {"JOB_LEASE_SECONDS": "4", "JOB_RESEND_SECONDS": "2", "REAPER_SECONDS": "1"}
        out = subprocess.run(
            [sys.executable, "-m", "tests.chaos.driver", "--seed", str(seed), "--kills", str(kills)],
            env={**os.environ, "PLUMBLINE_HOME": home, **quick, **environment},
            capture_output=True,
            text=True,
        )
    if out.returncode:
        return {"on": name, "held": False, "in_time": False, "error": out.stderr[-2000:]}
    return {"on": name, "seed": seed, **json.loads(out.stdout.splitlines()[-1])}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=60, help="On each of the two.")
    given = parser.parse_args()
    with servers.postgres() as server, servers.database(server) as url, servers.redis() as redis:
        pairs: dict[str, dict[str, str]] = {
            "SQLite and files": {},
            "PostgreSQL and Redis": {"DATABASE_URL": url, "REDIS_URL": redis},
        }
        with ThreadPoolExecutor(2) as pool:
            attacks = partial(attack, seed=given.seed, kills=given.kills)
            verdicts = list(pool.map(attacks, pairs.keys(), pairs.values()))
    for verdict in verdicts:
        print(json.dumps(verdict))
    return 0 if all(verdict["held"] and verdict["in_time"] for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
