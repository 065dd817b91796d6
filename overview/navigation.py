"""Navigation and header context: the project switch, the pages a role may open with their counts, keys and theme."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import resolve, reverse

from analysis.models import Finding
from annotation import item_counts, kinds
from annotation.models import IN_REVIEW, TO_LABEL, RoutedItem
from annotation.version_chip import serving_words
from jobs.models import Job, JobState
from projects import shortcuts
from projects.chips import Chip
from projects.formatting import number
from projects.guards import Guard, can_anywhere
from projects.models import Can, Project, Role, User
from retraining.models import TrainingRun


@dataclass(frozen=True)
class Page:
    """A page: `url` is its name, `count` names the figure beside it; addresses below its own belong to it."""

    name: str
    url: str
    count: str = ""
    alone: bool = False  # all other addresses stand below its own
    in_project: bool = True


@dataclass(frozen=True)
class Place:
    """A page as one person sees it."""

    name: str
    url: str
    count: str
    current: bool
    count_id: str = ""  # of the element that shows the count, where this page has one


@dataclass(frozen=True)
class Group:
    title: str
    places: tuple[Place, ...]


LABELS = "annotation:label-schema"  # not of kinds whose answers name no labels
SETTINGS = (
    Page("General", "projects:general", alone=True),
    Page("Labels", LABELS),
    Page("Side questions", "annotation:side-questions"),
    Page("Guideline", "annotation:guideline"),
    Page("Inputs", "annotation:input-settings"),
    Page("Costs", "projects:costs"),
    Page("Routing", "annotation:routing"),
    Page("Retraining", "retraining:policy"),
    Page("Members", "projects:member-list"),
    Page("API keys", "projects:key-list"),
    Page("Feedback keys", "annotation:feedback-key-list"),
    Page("ML backends", "annotation:ml-backend-list"),
    Page("Webhooks", "jobs:webhook-list"),
    Page("Jobs", "jobs:job-list", count="dead"),
    Page("Audit trail", "projects:audit"),
)
PAGES: tuple[tuple[str, tuple[Page, ...]], ...] = (
    ("", (Page("Overview", "overview:overview", alone=True),)),
    (
        "Model in the world",
        (
            Page("Performance", "analysis:performance"),
            Page("Errors", "analysis:errors"),
            Page("Signals", "analysis:signals"),
            Page("Outcomes", "analysis:outcomes"),
        ),
    ),
    (
        "Labels",
        (
            Page("Desk", "annotation:desk"),
            Page("Queues", "annotation:queue-list", count="waiting"),
            Page("Review", "annotation:review", count="review"),
            Page("Label quality", "analysis:label-quality", count="suspected"),
        ),
    ),
    (
        "Change",
        (
            Page("Runs", "retraining:run-list", count="running"),
            Page("Compare", "retraining:compare-any"),
            Page("Releases", "retraining:release-list"),
        ),
    ),
    (
        "Data",
        (
            Page("Items", "analysis:item-list", count="items"),
            Page("Input contract", "analysis:input-contract"),
            Page("Import and export", "annotation:exchange"),
        ),
    ),
)


@cache
def _guard_of(page: Page) -> Guard | None:
    """Who may open the page: the same for each project, and to find its view again takes longer than all else here."""
    url = reverse(page.url, args=["any"] if page.in_project else [])
    return getattr(resolve(url).func, "guard", None)


class Shell:
    """Everything the frame of a page shows; each part reads the database only when a template asks for it."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.user: User | None = request.user if request.user.is_authenticated else None
        self.project: Project | None = getattr(request, "project", None)
        self.role: Role | None = getattr(request, "role", None)
        self.theme = self.user.theme if self.user else User.Theme.SYSTEM
        self.single_keys = self.user.single_keys if self.user else True

    @cached_property
    def projects(self) -> list[Project]:
        return list(Project.objects.for_user(self.user)) if self.user else []

    @cached_property
    def serving(self) -> dict[int, str]:
        """Id of each project to the version that answers there, trained here or captured, and in which role."""
        return {project.pk: serving_words(project) for project in self.projects}

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        if not self.project:
            return ()
        groups = [Group(title, tuple(self._places(pages))) for title, pages in PAGES]
        if tabs := self.settings:
            settings = Place("Settings", tabs[0].url, "", any(tab.current for tab in tabs))
            groups[-1] = Group(groups[-1].title, (*groups[-1].places, settings))
        return tuple(group for group in groups if group.places)

    @cached_property
    def settings(self) -> tuple[Place, ...]:
        """The tabs of the settings pages."""
        if not self.project:
            return ()
        has_labels = kinds.of_project(self.project).needs_labels
        return tuple(self._places(tuple(page for page in SETTINGS if has_labels or page.url != LABELS)))

    @cached_property
    def installation(self) -> tuple[Place, ...]:
        """Pages above all projects."""
        pages = (
            Page("Projects", "projects:home", alone=True, in_project=False),
            Page("New project", "new_project:start", in_project=False),
            Page("Backtest", "backtest:start", in_project=False),
            Page("Health", "jobs:health", in_project=False),
            Page("All jobs", "jobs:all-jobs", in_project=False),
            Page("Admin console", "admin:index", in_project=False),
        )
        return tuple(self._places(pages))

    @cached_property
    def new_project(self) -> str:
        """The address where this person makes a project, "" for who may not."""
        return reverse("new_project:start") if self._may_create else ""

    @cached_property
    def _may_create(self) -> bool:
        """Whether this person may make projects; mostly the role in this one says so without a query."""
        here = self.role and self.role.can(Can.CHANGE)
        return bool(here or (self.user and can_anywhere(self.user, Can.CHANGE)))

    @cached_property
    def chips(self) -> tuple[Chip, ...]:
        """The view's state where the page itself says nothing: which model serves."""
        if not self.project or not self.groups:
            return ()
        return (Chip("Model", serving_words(self.project)),)

    @cached_property
    def search(self) -> str:
        place = next(self._places((Page("Search", "analysis:item-list"),)), None) if self.project else None
        return place.url if place else ""

    @cached_property
    def keys(self) -> tuple[shortcuts.Shortcut, ...]:
        return shortcuts.shortcuts_of(self.user) if self.user else ()

    @cached_property
    def keymap(self) -> dict[str, str]:
        return {key.action: key.key for key in self.keys}

    @cached_property
    def caps(self) -> dict[str, str]:
        return {key.action: key.cap for key in self.keys}

    @cached_property
    def answer_keys(self) -> tuple[kinds.AnswerKeys, ...]:
        """The keys that answer on the desk of this project."""
        return kinds.of_project(self.project).answer_keys(self.project.schema().labels) if self.project else ()

    @cached_property
    def counts(self) -> dict[str, int | None]:
        """All figures of the navigation in one query."""
        if not self.project:
            return {}
        items, before = item_counts.not_counted(self.project.pk)
        figures = {
            "waiting": _count(RoutedItem.objects.filter(TO_LABEL)),
            "review": _count(RoutedItem.objects.filter(IN_REVIEW), "item"),
            "suspected": _count(Finding.objects.filter(decision=Finding.Decision.OPEN)),
            "running": _count(TrainingRun.objects.filter(state__in=["waiting", "running"])),
            "items": _count(items),
            "dead": _count(Job.objects.filter(state=JobState.DEAD)),
        }
        found = Project.objects.filter(pk=self.project.pk).values(
            **{f"n_{name}": each for name, each in figures.items()}
        )
        counted: Any = {name.removeprefix("n_"): value for name, value in found.get().items()}
        item_counts.remember(self.project.pk, counted["items"])
        return counted | {"items": counted["items"] + before}

    def _places(self, pages: tuple[Page, ...]) -> Iterator[Place]:
        for page in pages:
            if place := self._place(page):
                yield place

    def _place(self, page: Page) -> Place | None:
        """The page as a place, or None where it is closed to this role."""
        url = reverse(page.url, args=[self.project.slug] if page.in_project and self.project else [])
        if not self._may_open(_guard_of(page)):
            return None
        count = self.counts.get(page.count) if page.count else None
        count_id = f"count-{page.count}" if page.count else ""
        return Place(page.name, url, short(count) if count else "", self._is_here(page, url), count_id)

    def _may_open(self, guard: Guard | None) -> bool:
        if guard is None or guard.level == "key":
            return False
        if guard.level == "project":
            return bool(self.role and guard.can and self.role.can(guard.can))
        if guard.level == "anywhere":
            return guard.can == Can.CHANGE and self._may_create
        if guard.level == "superuser":
            return bool(self.user and self.user.is_superuser)
        return guard.level == "public" or self.user is not None

    def _is_here(self, page: Page, url: str) -> bool:
        path = self.request.path
        return path == url or (path.startswith(url) and not page.alone)


def _count(rows: QuerySet[Any], what: str = "pk") -> Coalesce:
    return Coalesce(_of_project(rows, Count(what, distinct=what != "pk")), 0)


def _of_project(rows: QuerySet[Any], what: Any) -> Subquery:
    grouped = rows.filter(project=OuterRef("pk")).order_by().values("project").annotate(_figure=what)
    return Subquery(grouped.values("_figure"), output_field=IntegerField())


def short(count: int) -> str:
    """508, 41.2k, 1.3M: what fits beside a name."""
    for limit, unit in ((1_000_000, "M"), (10_000, "k")):
        if count >= limit:
            return f"{count / (1_000_000 if unit == 'M' else 1_000):.1f}{unit}"
    return number(count)


def shell(request: HttpRequest) -> dict[str, Any]:
    """The context processor."""
    return {"shell": Shell(request)} if hasattr(request, "user") else {}
