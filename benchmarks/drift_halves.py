"""How often random halves of one table are called drifted, and how often a real change of such a table is found.

    python -m benchmarks.drift_halves [--times 200] [--seed 0] [--only levels dates money words public change faint]

One JSON line for each table. `alarm` is the share of random halves with a drifted column, `domain_alarm` that where the
classifier between the two has p < .05 (a fifth of the halves), `contradicted` that where its limits say another thing
than its p. Tables are made as text, as a file holds them, of 4 000 rows, or 2 000 of texts; public ones are read from
their files, as many rows of each at most, drawn anew for each pair of halves. `change` draws two tables and moves a
tenth of the rows of the second. `faint` asks the classifier alone about changes of one of three columns of 400 rows.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.metrics.drift.compare import compare
from analysis.metrics.drift.domain_classifier import domain_auc
from benchmarks.cases import Case, Line, run_cases
from benchmarks.data import lines_or_absent, path_to
from inputs.files.columns import typed_columns
from inputs.files.readers import read_table
from inputs.files.table import Table

ROWS, TEXT_ROWS, DOMAIN_SHARE, MOVED = 4000, 2000, 5, 0.1
PERMUTATIONS = 199
LEVELS = (10, 100, 500, 2000, 5000)
DATE_FORMATS = ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%m/%d/%Y", "%d.%m.%Y", "%d %b %Y")
MONEY = ("${:,.2f}", "€ {:.2f}", "{:.2f} USD", "£{:.0f}", "({:.2f})")
LETTERS = "我你他的卡丢了钱退款什么时候到账请问银行转账失败今天昨天帮忙查一下利率多少"
PUBLIC_SETS = (
    ("banking77", "items.csv.gz"),
    ("credit_default", "items.csv.gz"),
    ("elec2", "items.csv.gz"),
    ("sms_spam", "items.csv.gz"),
    ("telco_churn", "items.csv.gz"),
    ("employment_ma", "items.parquet"),
)

Columns = dict[str, npt.NDArray[Any]]


def level_names(rng: np.random.Generator, levels: int, even: bool, rows: int = ROWS) -> list[str]:
    """A column of levels, all as frequent or with frequencies drawn from a Dirichlet law."""
    share = None if even else rng.dirichlet(np.ones(levels))
    return [f"m{level}" for level in rng.choice(levels, rows, p=share)]


def written_dates(rng: np.random.Generator, form: str, rows: int = ROWS) -> list[str]:
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 90 * 86_400, rows), unit="s")
    return list(days.strftime(form))


def written_money(rng: np.random.Generator, form: str, rows: int = ROWS) -> list[str]:
    return [form.format(amount) for amount in rng.lognormal(4, 1, rows)]


def unspaced_texts(rng: np.random.Generator, rows: int = ROWS) -> list[str]:
    """Texts of twelve Chinese characters, which no space sets apart."""
    return ["".join(rng.choice(list(LETTERS), 12)) for _ in range(rows)]


def spaced_texts(rng: np.random.Generator, rows: int = ROWS) -> list[str]:
    """Texts of eight words, most of which are rare."""
    chosen = rng.zipf(1.3, (rows, 8)) % 3000
    return [" ".join(f"word{word}" for word in text) for text in chosen]


def levels(times: int, seed: int) -> Iterator[Line]:
    """Columns of 10 to 5 000 levels."""
    for count in LEVELS:
        for even in (True, False):
            rng = np.random.default_rng(seed)
            column = {"merchant": level_names(rng, count, even), "amount": rng.normal(size=ROWS)}
            yield {"table": f"{count} levels", "even": even, **_halved(column, times, rng)}


def dates(times: int, seed: int) -> Iterator[Line]:
    """Dates, as files write them."""
    for form in DATE_FORMATS:
        rng = np.random.default_rng(seed)
        yield {"table": f"dates {form}", **_halved({"at": written_dates(rng, form)}, times, rng)}


def money(times: int, seed: int) -> Iterator[Line]:
    """Amounts with their signs of currency."""
    for form in MONEY:
        rng = np.random.default_rng(seed)
        yield {"table": f"money {form}", **_halved({"paid": written_money(rng, form)}, times, rng)}


def words(times: int, seed: int) -> Iterator[Line]:
    """Free text with and without spaces, and identifiers."""
    for name, make in (("spaced text", spaced_texts), ("unspaced text", unspaced_texts), ("identifiers", _identifiers)):
        rng = np.random.default_rng(seed)
        yield {"table": name, **_halved({"x": make(rng)}, times, rng)}


def _identifiers(rng: np.random.Generator) -> list[str]:
    return [f"id-{number:08}" for number in rng.permutation(10 * ROWS)[:ROWS]]


def public(times: int, seed: int) -> Iterator[Line]:
    """The public sets, every column of them."""
    for name, file in PUBLIC_SETS:
        yield from lines_or_absent(_public(name, file, times, seed), table=name)


def _public(name: str, file: str, times: int, seed: int) -> Iterator[Line]:
    table = read_table(str(path_to(name, file)))
    yield {"table": name, "columns": len(table.columns), **_halves_of(table, times, np.random.default_rng(seed))}


def _halved(columns: Mapping[str, Any], times: int, rng: np.random.Generator) -> Line:
    return _halves_of(Table("made", pd.DataFrame(columns).astype(str)), times, rng)


def _halves_of(table: Table, times: int, rng: np.random.Generator) -> Line:
    (columns,), kinds = typed_columns([table], table.columns)
    alarms, domain, contradicted = [], [], []
    for at in range(times):
        before, now = random_halves(columns, rng, TEXT_ROWS if "text" in kinds.values() else ROWS)
        alarms.append(compare(before, now, types=kinds, seed=at).drifted)
        if at % DOMAIN_SHARE == 0:
            found = domain_auc(before, now, types=kinds, permutations=PERMUTATIONS, seed=at, scored=False)
            if found.p is not None and found.low is not None:
                domain.append(found.p < 0.05)
                contradicted.append((found.low > 0.5) != (found.p < 0.05))
    line: Line = {"kinds": ", ".join(sorted(set(kinds.values()))), "halves": times, "alarm": np.mean(alarms)}
    if not domain:
        return line | {"domain_alarm": None}
    return line | {"domain_alarm": np.mean(domain), "domain_halves": len(domain), "contradicted": np.mean(contradicted)}


def random_halves(columns: Columns, rng: np.random.Generator, rows: int = ROWS) -> tuple[Columns, Columns]:
    """Two halves of so many rows at most."""
    order = rng.permutation(len(next(iter(columns.values()))))[:rows]
    middle = len(order) // 2
    before, now = (
        {name: column[rows] for name, column in columns.items()} for rows in (order[:middle], order[middle:])
    )
    return before, now


def change(times: int, seed: int) -> Iterator[Line]:
    """A tenth of the rows of the second table goes to one of 500 levels, costs half as much again, or has one word."""
    for name, kind, make in (
        ("500 levels", "category", _changed_levels),
        ("money", "number", _changed_money),
        ("unspaced text", "text", _changed_texts),
    ):
        rng = np.random.default_rng(seed)
        found, domain = [], []
        for at in range(times):
            before, now = make(rng)
            found.append(compare({"x": before}, {"x": now}, types={"x": kind}).drifted)
            if at % DOMAIN_SHARE == 0:
                result = domain_auc(
                    {"x": before}, {"x": now}, types={"x": kind}, permutations=PERMUTATIONS, seed=at, scored=False
                )
                domain.append(result.p is not None and result.p < 0.05)
        yield {"change": name, "pairs": times, "found": np.mean(found), "domain_found": np.mean(domain)}


def _changed_levels(rng: np.random.Generator) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    before, now = (np.array(level_names(rng, 500, True, ROWS // 2), dtype=object) for _ in range(2))
    now[rng.random(now.size) < MOVED] = "m0"
    return before, now


def _changed_money(rng: np.random.Generator) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    before, now = rng.lognormal(4, 1, (2, ROWS // 2))
    return before, now * 1.5


def _changed_texts(rng: np.random.Generator) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    before, now = (np.array(unspaced_texts(rng, ROWS // 2), dtype=object) for _ in range(2))
    moved = rng.random(now.size) < MOVED
    now[moved] = [text + "护照" for text in now[moved]]
    return before, now


def faint(times: int, seed: int) -> Iterator[Line]:
    """Changes of normal columns that the classifier finds in some of the draws, and none."""
    for name, move in FAINT.items():
        found = 0
        for at in range(times):
            rng = np.random.default_rng([seed, at])
            before, now = ({name: rng.normal(size=400) for name in "xyz"} for _ in range(2))
            now |= move(now, rng)
            found += (domain_auc(before, now, permutations=PERMUTATIONS, seed=at, scored=False).p or 0.0) < 0.05
        yield {"faint": name, "pairs": times, "domain_found": found / times}


FAINT: dict[str, Callable[[Columns, np.random.Generator], Columns]] = {
    "nothing": lambda now, rng: {},
    "mean moved by 0.3 SD": lambda now, rng: {"x": now["x"] + 0.3},
    "spread larger by 35 %": lambda now, rng: {"x": now["x"] * 1.35},
    "15 % of rows at one value": lambda now, rng: {"x": np.where(rng.random(400) < 0.15, 1 + now["x"] / 20, now["x"])},
    "correlation .5 between two": lambda now, rng: {"y": now["x"] / 2 + np.sqrt(0.75) * now["y"]},
}

CASES: dict[str, Case] = {
    "levels": levels,
    "dates": dates,
    "money": money,
    "words": words,
    "public": public,
    "change": change,
    "faint": faint,
}


def main(arguments: Sequence[str] | None = None) -> None:
    run_cases("drift_halves", CASES, arguments, about=__doc__, times=200)


if __name__ == "__main__":
    main()
