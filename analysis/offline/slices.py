"""Where a file's errors gather."""

from dataclasses import dataclass

from analysis.metrics.core.stored import described_estimate, finite, plain_interval
from analysis.metrics.slices import scan
from analysis.metrics.slices.scan import ScanSettings, Slice
from analysis.offline.output import JsonObject, aligned, spread
from inputs.files import columns
from inputs.files.columns import Bools
from inputs.files.copies import copies
from inputs.files.spellings import check_labels
from inputs.files.table import BadFile, Table

LEVEL = 0.05


@dataclass(frozen=True)
class SliceOptions:
    """`error`: a column of 0 and 1; or `label` and `predicted`. `columns`: those that rules may use; none: the rest."""

    error: str | None = None
    label: str | None = None
    predicted: str | None = None
    columns: tuple[str, ...] = ()
    seed: int = 0


def analyse(table: Table, asked: SliceOptions) -> JsonObject:
    """The OUT of `analyse slices`; the table is used up. Raises BadFile and InvalidInput."""
    wrong, known = _errors(table, asked)
    if not known.any():
        raise BadFile(f"{table.name} has no row that is known to be right or wrong.")
    names = _names(table, asked)
    part = table if known.all() else table.rows(known)
    found, kinds = columns.take_typed_columns(part, names)
    (groups,) = copies([found], kinds)
    settings = ScanSettings(level=LEVEL, seed=asked.seed)
    result = scan.scan(found, wrong[known], types=kinds, groups=groups, settings=settings)
    return {
        "n": result.n,
        "left_out": int((~known).sum()),
        "error_rate": described_estimate(result.error_rate),
        "tested": result.tested,
        "level": LEVEL,
        "correction": "Benjamini–Hochberg over every rule tested",
        "columns": kinds,
        **({"note": result.note} if result.note else {}),
        "slices": [_slice(one) for one in result.slices],
    }


def _errors(table: Table, asked: SliceOptions) -> tuple[Bools, Bools]:
    """Which rows (n,) are wrong, and of which that is known."""
    if asked.error is not None:
        return columns.truths(table, asked.error)
    label = columns.words(table, asked.label or "")
    predicted = columns.coded(table, asked.predicted or "", label.names)
    given = columns.words(table, asked.predicted or "")
    check_labels(label.called(repr(asked.label)), given.called(repr(asked.predicted)))
    return label.codes != predicted, label.known & (predicted != -1)


def _names(table: Table, asked: SliceOptions) -> list[str]:
    judged = {asked.error, asked.label, asked.predicted}
    if both := judged & set(asked.columns):
        raise BadFile(f"{both.pop()!r} defines the errors; a rule cannot use it.")
    names = list(asked.columns) or [name for name in table.columns if name not in judged]
    if not names:
        raise BadFile(f"{table.name} has no column besides those that define the errors.")
    return names


def _slice(one: Slice) -> JsonObject:
    """`low` and `high` are the limits of the error rate."""
    return {
        "rule": one.rule,
        "n": one.n,
        "errors": one.errors,
        "error_rate": finite(one.error_rate.value),
        "lift": finite(one.lift.value),
        "low": finite(one.error_rate.low),
        "high": finite(one.error_rate.high),
        "lift_low": finite(one.lift.low),
        "lift_high": finite(one.lift.high),
        "share_of_errors": finite(one.share_of_errors),
        "p": finite(one.p),
        "p_adjusted": finite(one.p_adjusted),
        "confirmed": one.confirmed,
        "held_out": None if one.held_out is None else plain_interval(one.held_out),
    }


def to_text(answer: JsonObject) -> str:
    """The answer as text: one line per slice, the surest first."""
    lines = [
        f"{answer['n']:,} rows, error rate {spread(answer['error_rate'])}; {answer['tested']:,} rules tested; "
        f"{answer['left_out']:,} rows left out.",
    ]
    if answer.get("note"):
        return "\n".join([*lines, answer["note"]])
    rows = [
        [s["rule"], s["n"], s["error_rate"], s["low"], s["high"], s["lift"], s["p_adjusted"], _confirmed(s)]
        for s in answer["slices"]
    ]
    header = ["rule", "rows", "error rate", "low", "high", "lift", "p adjusted", "confirmed"]
    return "\n".join([*lines, "", aligned(header, rows)])


def _confirmed(one: JsonObject) -> str:
    return {True: "yes", False: "no", None: "not asked"}[one["confirmed"]]
