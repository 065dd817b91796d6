"""Whether a file of now differs from a file of before."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.metrics.core.stored import finite, finite_interval, plain_interval
from analysis.metrics.drift import compare, domain_classifier
from analysis.metrics.drift.compare import Drift
from analysis.metrics.drift.domain_classifier import Domain
from analysis.metrics.drift.feature_drift import FeatureDrift
from analysis.metrics.drift.reference import match
from analysis.offline.output import JsonObject, aligned, shown, spread
from inputs.encoders.base import TextEncoder
from inputs.encoders.columns import encode, text_inputs, with_vectors
from inputs.files import columns
from inputs.files.copies import copies
from inputs.files.spellings import LabelColumn, check_levels, check_overlap
from inputs.files.table import BadFile, Table, list_names

MOST_ENCODED = 20_000  # texts of both files together: a minute or two of the encoder's time
MOST_JUDGED = 20_000  # rows of the window that the domain classifier sees, as many as of the reference
BLOCK = 100
GROUP = "\0group"  # no column of a file is called so

Side = dict[str, Any]


@dataclass(frozen=True)
class DriftOptions:
    """`season`: the column that says which rows may be compared. `columns`: the ones to look at; none: all shared.

    `encoder`: loads the encoder of texts; without one they are compared by their terms.
    """

    season: str | None = None
    columns: tuple[str, ...] = ()
    seed: int = 0
    encoder: Callable[[], TextEncoder] | None = None


@dataclass(frozen=True)
class _Sides:
    """Columns of both files with their types, vectors of texts beside them; `words` says how texts are compared."""

    before: Side
    now: Side
    types: dict[str, str]
    words: str = ""


def analyse(reference: Table, current: Table, asked: DriftOptions) -> JsonObject:
    """The OUT of `analyse drift`. Raises BadFile."""
    names = _names(reference, current, asked)
    (before, now), kinds = columns.typed_columns([reference, current], names)
    for name in (name for name, kind in kinds.items() if kind in ("category", "boolean")):
        check_levels(_levels(reference, before, name), _levels(current, now, name))
    season = None if asked.season is None else _season(reference, current, asked.season)
    encoded = _encoded(before, now, kinds, asked)
    try:
        groups = copies([before, now], kinds)
        both = groups[0], groups[1]
        found = compare.compare(
            encoded.before, encoded.now, types=encoded.types, season=season, groups=both, seed=asked.seed
        )
        rows = None if season is None else match(*season, seed=asked.seed)
        sides = _part({**before, GROUP: groups[0]}, rows, 0), _thinned(_part({**now, GROUP: groups[1]}, rows, 1))
        both = sides[0].pop(GROUP), sides[1].pop(GROUP)
        seen = domain_classifier.domain_auc(*sides, types=kinds, groups=both, seed=asked.seed)
    except ValueError as why:  # messages of the drift metrics about input that they refuse
        raise BadFile(f"The two files cannot be compared: {str(why).rstrip('.')}.") from None
    return {
        "drifted": found.drifted,
        "why": found.why,
        "n_reference": found.n_reference,
        "n_current": found.n_current,
        "features": [_feature(one) for one in found.features],
        "domain_auc": _domain(seen),
        **({"texts": encoded.words} if encoded.words else {}),
        **_bookkeeping(found, reference, current),
    }


def _encoded(before: Side, now: Side, types: dict[str, str], asked: DriftOptions) -> _Sides:
    """Both sides with the vectors of their texts, where an encoder is given and texts are not too many."""
    names = text_inputs(types)
    if not names or asked.encoder is None:
        return _Sides(before, now, types)
    texts = len(names) * (len(before[names[0]]) + len(now[names[0]]))
    if texts > MOST_ENCODED:
        words = f"Texts are compared by their terms: {texts:,} are more than the {MOST_ENCODED:,} encoded."
        return _Sides(before, now, types, words)
    encoder = asked.encoder()
    if not encoder.per_text:
        return _Sides(before, now, types, "Texts are compared by their terms.")
    sides = []
    for columns_of_side in (before, now):
        made = encode(columns_of_side, types, encoder)
        sides.append(with_vectors(columns_of_side, types, made.vectors if made else None))
    words = f"Texts are compared by their terms and by vectors of {encoder.name}."
    return _Sides(sides[0][0], sides[1][0], sides[0][1], words)


def _names(reference: Table, current: Table, asked: DriftOptions) -> list[str]:
    for name in (*asked.columns, *([asked.season] if asked.season else [])):
        reference[name], current[name]
    shared = [name for name in reference.columns if name in current and name != asked.season]
    names = [name for name in shared if not asked.columns or name in asked.columns]
    if not names:
        raise BadFile(
            f"{reference.name} and {current.name} share no column to compare: "
            f"{list_names(reference.columns)} against {list_names(current.columns)}."
        )
    return names


def _levels(table: Table, side: dict[str, Any], name: str) -> LabelColumn:
    levels = {level for level in side[name].tolist() if level is not None}
    return LabelColumn(f"{name!r} of {table.name}", sorted(levels))


def _season(reference: Table, current: Table, name: str) -> tuple[Any, Any]:
    """The season of every row on both sides, as one set of words."""
    given = [columns.words(table, name) for table in (reference, current)]
    if not all(side.known.all() for side in given):
        raise BadFile(f"The season column {name!r} has gaps; every row needs its season.")
    before, now = (side.called(f"{name!r} of {of.name}") for side, of in zip(given, (reference, current), strict=True))
    check_overlap(before, now, "season")
    seasons = [np.array(side.names, dtype=object)[side.codes] for side in given]
    return seasons[0], seasons[1]


def _part(side: dict[str, Any], rows: tuple[Any, Any] | None, at: int) -> dict[str, Any]:
    return side if rows is None else {name: column[rows[at]] for name, column in side.items()}


def _thinned(side: dict[str, Any]) -> dict[str, Any]:
    """Evenly spaced runs of rows, so that what hangs together stays together."""
    n = len(next(iter(side.values())))
    step = -(-n // MOST_JUDGED)
    kept = np.arange(n) // BLOCK % step == 0
    return side if step == 1 else {name: column[kept] for name, column in side.items()}


def _feature(one: FeatureDrift) -> JsonObject:
    return {
        "name": one.name,
        "kind": one.kind,
        "p": finite(one.p),
        "p_adjusted": finite(one.p_adjusted),
        "effect": finite(one.effect),
        "effect_name": one.effect_name,
        "drifted": one.drifted,
        "words": one.words,
        "dependent": one.dependent,
        "n_reference": one.n_reference,
        "n_current": one.n_current,
    }


def _domain(found: Domain) -> JsonObject:
    result = plain_interval(finite_interval(found.auc, found.low, found.high)) | {"p": finite(found.p)}
    result |= {"importance": [{"name": name, "share": share} for name, share in found.importance], "block": found.block}
    return result | ({"note": found.why} if found.why else {})


def _bookkeeping(found: Drift, reference: Table, current: Table) -> JsonObject:
    return {
        "level": found.level,
        "correction": "Benjamini–Hochberg over the columns; a column drifts when its effect reaches its floor too.",
        "effect_floors": dict(compare.EFFECT_FLOOR),
        "only_in_reference": [name for name in reference.columns if name not in current],
        "only_in_current": [name for name in current.columns if name not in reference],
    }


def to_text(answer: JsonObject) -> str:
    """The answer as text: one line per column."""
    lines = [
        f"{'Drifted' if answer['drifted'] else 'No drift'}: {answer['n_current']:,} rows against "
        f"{answer['n_reference']:,}. {answer['why']}",
        f"AUC of a classifier that separates the two {spread(answer['domain_auc'])}, "
        f"p {shown(answer['domain_auc']['p'])}",
        *([answer["texts"]] if "texts" in answer else []),
    ]
    for side in ("reference", "current"):
        if answer[f"only_in_{side}"]:
            lines.append(f"Only in the {side} file: {list_names(answer[f'only_in_{side}'])}")
    rows = [
        [one["name"], one["drifted"], one["p_adjusted"], one["effect"], one["effect_name"], one["words"]]
        for one in answer["features"]
    ]
    return "\n".join([*lines, "", aligned(["column", "drifted", "p adjusted", "effect", "unit", "what"], rows)])
