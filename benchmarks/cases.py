"""Benchmarks made of cases: one JSON line for each line of a case, with its CPU seconds."""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.data import lines_or_absent

Line = dict[str, Any]
Case = Callable[[int, int], Iterator[Line]]


def run_cases(
    benchmark: str,
    cases: Mapping[str, Case],
    arguments: Sequence[str] | None,
    *,
    about: str | None,
    times: int,
    digits: int = 4,
) -> None:
    """Run the cases that the command line names, each with how often to draw and a seed. `about` is its help."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=times)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=list(cases), default=list(cases))
    options = parser.parse_args(arguments)
    for name in options.only:
        began = time.process_time()
        for line in lines_or_absent(cases[name](options.times, options.seed), case=name):
            rounded = {key: round(float(v), digits) if isinstance(v, float) else v for key, v in line.items()}
            cost = round(time.process_time() - began, 1)
            print(json.dumps({"benchmark": benchmark, **rounded, "cpu_s": cost}), flush=True)
            began = time.process_time()
