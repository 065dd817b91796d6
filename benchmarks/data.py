"""Public data sets that benchmarks read, from the folder that the environment variable BENCHMARK_DATA names.

    BENCHMARK_DATA=~/data python -m benchmarks.data

One JSON line for each set: its files, whether they are there, and where they come from. Each set is a folder of that
folder; docs/benchmarks/data.md says what columns its files have. Without a set its figures are left out, with a line
that says so.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

VARIABLE = "BENCHMARK_DATA"


@dataclass(frozen=True)
class PublicData:
    """A data set: its files, and where it comes from."""

    files: tuple[str, ...]
    origin: str


ITEMS, VOTES = ("items.csv.gz",), ("annotations.csv.gz", "truth.csv.gz")
TOOLKIT = "https://github.com/orchidproject/active-crowd-toolkit, Data"
PUBLIC: Mapping[str, PublicData] = {
    "banking77": PublicData(ITEMS, "https://github.com/PolyAI-LDN/task-specific-datasets, banking_data"),
    "credit_default": PublicData(ITEMS, "UCI Machine Learning Repository, set 350"),
    "crowd_bluebirds": PublicData(VOTES, "https://github.com/welinder/cubam, demo/bluebirds"),
    "crowd_weather_amt": PublicData(VOTES, f"{TOOLKIT}/CF_amt.csv"),
    "crowd_zencrowd_us": PublicData(VOTES, f"{TOOLKIT}/ZenCrowd_us.csv"),
    "elec2": PublicData(ITEMS, "OpenML, set 151, in its order"),
    "employment_ma": PublicData(("items.parquet",), "the nannyml 0.13.1 wheel, nannyml/datasets/data"),
    "fortunes": PublicData(
        ("love", "de/zitate", "es/refranes.fortunes"), "Debian's packages fortunes, -de, -es, -it, -pl, -ru"
    ),
    "label_errors_dev": PublicData(
        ("cifar10.npz", "cifar10_mturk.csv.gz", "mnist.npz", "mnist_mturk.csv.gz"),
        "https://github.com/cleanlab/label-errors",
    ),
    "mnist_t10k": PublicData(
        ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"), "the MNIST test set, as its authors wrote it"
    ),
    "sms_spam": PublicData(ITEMS, "UCI Machine Learning Repository, set 228"),
    "telco_churn": PublicData(
        ITEMS, "https://github.com/IBM/watson-machine-learning-samples, cloud/data/customer_churn"
    ),
}


class Absent(Exception):
    """What a figure needs is not on this machine; the message is one line that says what, and what helps."""


def path_to(name: str, file: str = "items.csv.gz") -> Path:
    """A file of a set. Raises Absent."""
    folder = os.environ.get(VARIABLE, "")
    path = Path(folder).expanduser() / name / file
    if not folder or not path.is_file():
        given = f"{folder} has no {name}/{file}" if folder else f"{VARIABLE} is not set"
        raise Absent(f"{given}: it names a folder with {name}/{file}, from {PUBLIC[name].origin}.")
    return path


def rows_of(name: str, file: str = "items.csv.gz") -> pd.DataFrame:
    """The rows of a set. Raises Absent."""
    path = path_to(name, file)
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)


def lines_or_absent(lines: Iterable[dict[str, Any]], **of: str) -> Iterator[dict[str, Any]]:
    """The lines of a case, or one that says what it lacks."""
    try:
        yield from lines
    except Absent as absent:
        yield {**of, "absent": str(absent)}


def is_there(name: str) -> bool:
    try:
        return all(path_to(name, file) for file in PUBLIC[name].files)
    except Absent:
        return False


def main() -> None:
    for name, data in PUBLIC.items():
        line = {"benchmark": "data", "set": name, "files": data.files, "there": is_there(name), "origin": data.origin}
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
