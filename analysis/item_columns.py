"""How a view of items is shown: its columns, its layout and its order, all of them in its address."""

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from analysis.item_conditions import SORTED
from analysis.item_filters import BadFilter, Filters
from analysis.item_pages import ItemOrder
from projects.models import Project

FACTS = {
    "says": "Model says",
    "score": "Score",
    "margin": "Margin",
    "truth": "Resolved as",
    "cause": "Cause",
    "segment": "Segment",
    "key": "Key",
    "at": "Age",
}
USUAL = ("says", "score", "truth", "cause", "at")
USUAL_INPUTS = 3
MOST_COLUMNS = 60
INPUT = "input:"
GRID, TABLE = "grid", "table"


@dataclass(frozen=True)
class Column:
    """A column of the table. name: as in an address; input: the input that it shows, else ""; kind: of that input.

    sort: the order by it, "" where there is none; order_url: the query string of the view in that order.
    """

    name: str
    title: str
    input: str = ""
    kind: str = ""
    sort: str = ""
    order_url: str = ""
    arrow: str = ""

    @property
    def is_number(self) -> bool:
        return self.kind == "number" or self.name in ("score", "margin", "at")

    @property
    def css(self) -> str:
        """Classes of its cells."""
        return ("num nowrap" if self.is_number else "") + (" says" if self.name == "says" else "")


def all_columns(project: Project) -> list[Column]:
    """Every column that a table of this project can have."""
    inputs = [
        Column(f"{INPUT}{name}", name, name, kind, f"{INPUT}{name}" if kind in SORTED else "")
        for name, kind in project.contract().types().items()
    ]
    sorts = {"score": "score", "margin": "margin", "at": "time"}
    return inputs + [Column(name, title, sort=sorts.get(name, "")) for name, title in FACTS.items()]


def parse_columns(text: str, project: Project) -> tuple[str, ...]:
    """The names of the columns that an address asks for, separated by "|"; none for the usual. Raises BadFilter."""
    wanted = tuple(dict.fromkeys(filter(None, text.replace("\x00", "").split("|"))))
    known = {column.name for column in all_columns(project)}
    if unknown := [name for name in wanted if name not in known]:
        raise BadFilter(f"There is no column {unknown[0][:40]!r}; there are {', '.join(sorted(known)[:12])}.")
    if len(wanted) > MOST_COLUMNS:
        raise BadFilter(f"A table shows at most {MOST_COLUMNS} columns.")
    return wanted


def sorts(project: Project, filters: Filters) -> list[tuple[str, str]]:
    """The orders that a view can have, as an address gives them, with their words."""
    found = [("similar", "Most similar first")] * bool(filters.similar)
    found += [
        ("", "Newest first"),
        ("time", "Oldest first"),
        ("score", "Lowest score first"),
        ("-score", "Highest score first"),
        ("margin", "Smallest margin first"),
        ("-margin", "Largest margin first"),
    ]
    for name, kind in project.contract().types().items():
        if kind in SORTED:
            found += [(f"{INPUT}{name}", f"{name}, lowest first"), (f"-{INPUT}{name}", f"{name}, highest first")]
    return found


@dataclass(frozen=True)
class ViewState:
    """All that an address says of a view but the place of its page."""

    filters: Filters
    order: ItemOrder
    columns: tuple[str, ...] = ()
    layout: str = ""

    def query(self, **changes: str) -> str:
        """The state as a query string."""
        shown = {"sort": self.order.name, "columns": "|".join(self.columns), "layout": self.layout} | changes
        return urlencode(self.filters.active() + [(name, value) for name, value in shown.items() if value])

    def api_query(self) -> str:
        """What of it an API call takes, with its question mark."""
        found = urlencode(self.filters.active() + [("sort", self.order.name)] * bool(self.order.name))
        return f"?{found}" if found else ""

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """Name and value of each part of the state that is no filter."""
        shown = {"sort": self.order.name, "columns": "|".join(self.columns), "layout": self.layout}
        return [(name, value) for name, value in shown.items() if value]

    def shown_columns(self, project: Project) -> list[Column]:
        """The columns of the table, in the order that was chosen."""
        known = {column.name: column for column in all_columns(project)}
        inputs = [f"{INPUT}{name}" for name in project.contract().types()]
        return [self._with_order(known[name]) for name in self.columns or (*inputs[:USUAL_INPUTS], *USUAL)]

    def _with_order(self, column: Column) -> Column:
        """The column with the address of the view sorted by it, the other way round where it is."""
        if not column.sort:
            return column
        now = self.order.name or "-time"
        wanted = column.sort if now == f"-{column.sort}" else f"-{column.sort}"
        arrow = {f"-{column.sort}": " ↓", column.sort: " ↑"}.get(now, "")
        return replace(column, order_url=self.query(sort=wanted), arrow=arrow)

    def is_grid(self, project: Project) -> bool:
        """Whether items are shown as cards: asked for, or the first input is an image."""
        first = next(iter(project.contract().types().values()))
        return self.layout == GRID or (self.layout != TABLE and first == "image")


def with_condition(given: Any) -> str:
    """The query string of a form that adds a condition on one input or the score of one class."""
    parts = given.copy()
    on, wanted = parts.pop("condition_on")[-1], parts.pop("condition", [""])[-1].strip()
    name, _, what = on.partition(":")
    if name in ("input", "scores"):
        parts.appendlist(name, f"{what}:{wanted}")
    elif name in ("confidence", "margin"):
        parts[name] = wanted
    kept = [(name, value) for name, values in parts.lists() for value in values if value]
    return urlencode(kept)
