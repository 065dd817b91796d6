"""How fast does a job import a large Parquet file, in how much memory, and is every row there once after kills?

    python -m benchmarks.import_job [--rows 1000000] [--kills 0]

in a SQLite folder of its own, or on the PostgreSQL of DATABASE_URL: makes a file of ROWS rows (12 inputs, 4 scores, a
version; every second row a known label), lets a job import it in a process of its own, and with `--kills` ends that
process so many times by SIGKILL, at moments that a seed chooses, and starts it again. At the end the database's bulk
insert writes the rows of a batch into the same tables again (`benchmarks.capture_speed`). One JSON line: seconds of the
whole, processor time, the largest memory of the process, rows a second of both, and rows lost and doubled.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.capture_speed import LABELS, NUMBERS, SPEC, WORDS, Tables, insert_raw

PART = 50_000  # rows that are made at once
RAW_BATCHES = 7


def make_file(path: Path, count: int) -> None:
    """A Parquet file with this many rows."""
    rng, words, writer = np.random.default_rng(0), random.Random(0), None
    for start in range(0, count, PART):
        size = min(PART, count - start)
        scores = rng.dirichlet(np.ones(len(LABELS)), size).round(6)
        columns: dict[str, Any] = {"key": [f"row-{start + place}" for place in range(size)]}
        columns |= {name: rng.normal(size=size).round(4) for name in NUMBERS}
        columns["country"] = words.choices(["DE", "FR", "IT"], k=size)
        columns["text"] = [" ".join(words.choices(WORDS, k=12)) for _ in range(size)]
        columns |= {f"scores.{label}": scores[:, place] for place, label in enumerate(LABELS)}
        columns["model_version"] = ["router-7"] * size
        columns["label"] = [words.choice(LABELS) if place % 2 else None for place in range(size)]
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer:
        writer.close()


def set_up() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()


def begin(path: Path) -> tuple[int, int]:
    """The project's id and that of a job that imports the file."""
    from django.utils import timezone

    from annotation import import_jobs, uploads
    from projects import specs
    from projects.models import User

    now = timezone.now()
    project = specs.create_project(f"import-{int(now.timestamp())}", SPEC, by=None, at=now)
    owner = User.objects.create(username=f"{project.slug}-owner", password="!")
    with path.open("rb") as file:
        upload = uploads.store_upload(iter(lambda: file.read(1 << 20), b""), name=path.name, owner=owner, at=now)
    made = import_jobs.start_import(project, upload, by=owner, at=now)
    assert made.job is not None
    return project.pk, made.job.pk


def work(job_id: int) -> None:
    """Do the job in this process, and say what it took."""
    from jobs import execution

    execution.run(job_id)
    own, reader = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    said = {
        "cpu_seconds": round(own.ru_utime + own.ru_stime, 1),
        "reader_cpu_seconds": round(reader.ru_utime + reader.ru_stime, 1),
        "peak_mib": own.ru_maxrss >> 10,
        "reader_peak_mib": reader.ru_maxrss >> 10,  # counts what the two processes share as well
    }
    print(json.dumps(said))


def run_killed(job_id: int, kills: int, expected: float) -> dict[str, Any]:
    """Do the job in a process that is ended so many times; what the last one said."""
    from django.utils import timezone

    from jobs.models import Job

    chance = random.Random(kills)
    command = [sys.executable, "-m", "benchmarks.import_job", "--work", str(job_id)]
    for _ in range(kills):
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        time.sleep(chance.uniform(5, max(expected / (kills + 1), 6)))
        process.kill()
        process.wait()
        Job.objects.filter(pk=job_id).update(lease_until=timezone.now(), max_attempts=kills + 5)
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(folder: Path, count: int, kills: int) -> dict[str, Any]:
    from django.db import connection

    from annotation.models import DataImport, Item, Prediction, Resolution

    source = folder / "source.parquet"
    make_file(source, count)
    project_id, job_id = begin(source)
    began = time.perf_counter()
    said = run_killed(job_id, kills, expected=count * 90e-6)
    seconds = time.perf_counter() - began
    made = DataImport.objects.select_related("job").get(job=job_id)
    there = [model.objects.filter(project=project_id).count() for model in (Item, Prediction)]
    known = Resolution.objects.filter(project=project_id).count()
    if made.state != "finished" or (made.created, made.rows_read, made.refused) != (count, count, 0):
        raise RuntimeError(f"The import is wrong: {made.state} {made.created} {made.rows_read} {made.error}")
    if there != [count, count] or known != count // 2:
        raise RuntimeError(f"Rows were lost or doubled: {there}, {known} known labels.")
    tables = Tables(project_id)
    raw = float(np.median([insert_raw(tables) for _ in range(RAW_BATCHES)]))
    raw_a_second = len(tables.items[2]) / raw
    return {
        "benchmark": "import_job",
        "database": connection.vendor,
        "rows": count,
        "kills": kills,
        "seconds": round(seconds, 1),
        "rows_a_second": round(count / seconds),
        "raw_a_second": round(raw_a_second),
        "share_of_raw": round(count / seconds / raw_a_second, 3),
        "lost": count - there[0],
        "doubled": 0,
        **said,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--work", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work is not None:
        set_up()
        return work(given.work)
    with tempfile.TemporaryDirectory(prefix="plumbline-import-") as home:
        # Never the installation's own database: a folder of its own, or the server that the caller names.
        os.environ["PLUMBLINE_HOME"] = home
        set_up()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        print(json.dumps(measure(Path(home), given.rows, given.kills)), flush=True)


if __name__ == "__main__":
    main()
