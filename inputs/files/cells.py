"""Cells of text as numbers and as times, as people write them."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Times = NDArray[np.datetime64]
Series = "pd.Series[Any]"

GAPS = ("", "nan", "na", "n/a", "null", "none", "<na>", "nat")  # what stands for no value, in any case
CURRENCY = re.compile(
    r"\b[A-Z]{0,2}\$|[\u20a0-\u20cf$£¥₤]|\bkr\.?|\bzł|\bRs\.?|"
    r"\b(USD|EUR|GBP|JPY|CHF|CAD|AUD|NZD|CNY|RMB|HKD|SGD|INR|KRW|BRL|MXN|ZAR|TRY|ILS|SEK|NOK|DKK|PLN|CZK|HUF|RUB)\b"
)
IN_BRACKETS = re.compile(r"\((.*)\)")  # how accounts write what is below zero
SIGN = re.compile(r"^([+-])\s+")
NUMBERS = {
    mark: re.compile(rf"([+-]?)(\d+|\d{{1,3}}([{thousands}\u00a0\u202f ']\d{{3}})+)?([{mark}]\d*)?([eE][+-]?\d+)?")
    for mark, thousands in ((".", ","), (",", "."))
}
DECIMAL_COMMA = r"[+-]?\d+(,\d*)?"
ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?")
DATES = {  # how a date is written, and the formats that it may be in; the first that fits all cells is taken
    r"\d{1,2}/\d{1,2}/\d{4}": ("%m/%d/%Y", "%d/%m/%Y"),
    r"\d{1,2}/\d{1,2}/\d{2}": ("%m/%d/%y", "%d/%m/%y"),
    r"\d{1,2}\.\d{1,2}\.\d{4}": ("%d.%m.%Y",),
    r"\d{1,2}\.\d{1,2}\.\d{2}": ("%d.%m.%y",),
    r"\d{4}/\d{1,2}/\d{1,2}": ("%Y/%m/%d",),
    r"\d{4}\.\d{1,2}\.\d{1,2}": ("%Y.%m.%d",),
    r"\d{4}-\d{1,2}-\d{1,2}": ("%Y-%m-%d",),
    r"\d{4}年\d{1,2}月\d{1,2}日": ("%Y年%m月%d日",),
    r"\d{4}-\d{2}": ("%Y-%m",),
    r"\d{1,2}-\d{1,2}-\d{4}": ("%d-%m-%Y", "%m-%d-%Y"),
    r"[A-Za-z]{3,9} \d{1,2}, \d{4}": ("%b %d, %Y", "%B %d, %Y"),
    r"[A-Za-z]{3,9} \d{1,2} \d{4}": ("%b %d %Y", "%B %d %Y"),
    r"[A-Za-z]{3}, \d{1,2} [A-Za-z]{3} \d{4}": ("%a, %d %b %Y",),
    r"\d{1,2} [A-Za-z]{3,9} \d{4}": ("%d %b %Y", "%d %B %Y"),
    r"\d{1,2}-[A-Za-z]{3}-\d{4}": ("%d-%b-%Y",),
    r"\d{1,2}-[A-Za-z]{3}-\d{2}": ("%d-%b-%y",),
}
T_MARK = r"(\d)T(\d)"
FIRST_ROWS = 100
COMPACT = r"((?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(?:\.0)?"
CLOCKS = {
    "": "",
    r"[ T]\d{1,2}:\d{2}": " %H:%M",
    r"[ T]\d{1,2}:\d{2}:\d{2}": " %H:%M:%S",
    r" \d{1,2}:\d{2} ?[AaPp][Mm]": " %I:%M %p",
    r" \d{1,2}:\d{2}:\d{2} ?[AaPp][Mm]": " %I:%M:%S %p",
}


def stripped(series: "pd.Series[Any]") -> tuple["pd.Series[str]", Bools]:
    """The cells as texts without blanks around them, and which of them stand for no value."""
    text = series.astype(str).str.strip()
    return text, (series.isna() | text.str.lower().isin(GAPS)).to_numpy(dtype=bool)


def parse_numbers(series: "pd.Series[Any]", decimal: str = ".") -> tuple[Floats, Bools]:
    """Floats (n,), NaN where there is none, and which of the cells that are not missing are no numbers.

    Marks of thousands, signs of currency and percent are taken: $1,234.50 is 1234.5, 12 % is 0.12, ($5) is -5.
    """
    if pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_bool_dtype(series.dtype):
        return series.to_numpy(dtype=np.float64, na_value=np.nan), np.zeros(len(series), dtype=bool)
    text, gap = stripped(series)
    plain = text.where(text.str.fullmatch(DECIMAL_COMMA)).str.replace(",", ".") if decimal == "," else text
    found = pd.to_numeric(plain.where(~gap), errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    left = np.flatnonzero(np.isnan(found) & ~gap)
    codes, cells = pd.factorize(text.iloc[left])
    found[left] = np.array([parse_number(cell, decimal) for cell in cells] + [np.nan])[codes]
    return found, np.isnan(found) & ~gap


def parse_number(cell: str, decimal: str) -> float:
    """A number with its marks; NaN where the cell is none."""
    bare = CURRENCY.sub("", cell).strip().replace("\N{MINUS SIGN}", "-")
    if inside := IN_BRACKETS.fullmatch(bare):
        return -parse_number(inside.group(1), decimal) if inside.group(1)[:1].isdigit() else float("nan")
    share = bare.endswith("%")
    bare = SIGN.sub(r"\1", bare.removesuffix("%").strip())
    match = NUMBERS[decimal].fullmatch(bare)
    if match is None or not (match.group(2) or (match.group(4) or "")[1:]):
        return float("nan")
    whole = re.sub(r"\D", "", match.group(2) or "0")
    fraction = (match.group(4) or "")[1:] or "0"
    value = float(f"{match.group(1)}{whole}.{fraction}{match.group(5) or ''}")
    return value / 100 if share else value


def parse_times(parts: Sequence["pd.Series[Any]"]) -> list[Times] | None:
    """Times (n,) of every part, in UTC, NaT where there is none; None unless all cells of all parts are times.

    ISO 8601, or dates in one of the usual formats, the same in every cell; with slashes the month stands first unless
    some cell has a day there.
    """
    cells = [stripped(part) for part in parts]
    present = pd.concat([text[~gap] for text, gap in cells])
    if present.empty:
        return None
    distinct = pd.Series(present.unique())
    moments = _iso(distinct) if distinct.str.fullmatch(ISO).all() else _formatted(distinct)
    if moments is None:
        return None
    place = pd.Series(moments, index=distinct)
    return [place.reindex(text.where(~gap)).to_numpy(dtype="datetime64[ms]") for text, gap in cells]


def parse_compact_dates(parts: Sequence["pd.Series[Any]"]) -> list[Times] | None:
    """Times of every part where each cell of all parts is a date of eight digits, 20240301; else None.

    Numbers of eight digits that all happen to be dates between 1900 and 2099 are dates.
    """
    if not any(part.iloc[:FIRST_ROWS].astype(str).str.fullmatch(COMPACT).any() for part in parts):
        return None
    cells = [stripped(part) for part in parts]
    written = [text.str.fullmatch(COMPACT).to_numpy(dtype=bool) | gap for text, gap in cells]
    if not all(side.all() for side in written) or all(gap.all() for _, gap in cells):
        return None
    days = [text.where(~gap).str.extract(COMPACT, expand=False) for text, gap in cells]
    found = [pd.to_datetime(side, errors="coerce", utc=True, format="%Y%m%d") for side in days]
    if any(bool((moments.isna() & ~gap).any()) for moments, (_, gap) in zip(found, cells, strict=True)):
        return None
    return [_in_utc(moments) for moments in found]


def _iso(distinct: "pd.Series[str]") -> Times | None:
    found = pd.to_datetime(distinct, errors="coerce", utc=True, format="ISO8601")
    return None if found.isna().any() else _in_utc(found)


def _formatted(distinct: "pd.Series[str]") -> Times | None:
    first = str(distinct.iloc[0])
    for date, formats in DATES.items():
        for clock, time in CLOCKS.items():
            if not re.fullmatch(date + clock, first):
                continue
            written = distinct.str.replace(T_MARK, r"\1 \2", regex=True) if "T" in clock else distinct
            for form in formats:
                found = pd.to_datetime(written, errors="coerce", utc=True, format=form + time)
                if not found.isna().any():
                    return _in_utc(found)
    return None


def _in_utc(moments: "pd.Series[Any]") -> Times:
    return np.asarray(moments.dt.tz_localize(None).to_numpy(dtype="datetime64[ms]"))
