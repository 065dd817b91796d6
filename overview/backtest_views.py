"""Backtest: what would this loop have cost and brought on a file of one's own?"""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from annotation import uploads
from annotation.exchange.rows import UnusableFile
from annotation.models import StoredUpload
from inputs.files.column_roles import INPUT_ROLES, ColumnRole
from inputs.files.delimited import Dialect
from inputs.files.table import BadFile
from overview import backtest_figures
from overview.new_project import source
from overview.new_project.source import ProjectSource
from projects.guards import UserRequest, asks_for_fragment, member_anywhere
from projects.models import Can
from projects.streamed_body import BrokenBody, body_parts, takes_file
from retraining import backtest_jobs
from retraining.backtest.options import METRICS, REPLAYED, BacktestOptions, BadBacktest
from retraining.models import Backtest

NEWEST = 20
DEFAULTS = BacktestOptions(file="", label="")
ALL_INPUTS = ""
LONGEST_NAME = 30


def short_name(name: str) -> str:
    """The name of a column as a choice can hold it."""
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"


def columns_in_words(names: Sequence[str]) -> str:
    """The first of them by name, the others by number."""
    first = ", ".join(short_name(name) for name in names[:2]) or "nothing"
    return first if len(names) <= 2 else f"{first} and {len(names) - 2} more"


class BacktestForm(forms.Form):
    """The columns of one file, and how its labels are asked for."""

    label = forms.ChoiceField(label="The label that people would give")
    reads = forms.ChoiceField(label="Read by the model", required=False)
    time = forms.ChoiceField(label="In the order of time, with triggers and gate", required=False)
    metric = forms.ChoiceField(
        label="Metric", choices=[(name, name.replace("_", " ").replace("f1", "F1")) for name in METRICS]
    )
    strategy = forms.ChoiceField(label="Strategy", choices=[(name, name.replace("_", " ")) for name in REPLAYED])
    budget = forms.IntegerField(label="Labels in all", min_value=1, initial=DEFAULTS.budget)
    batch = forms.IntegerField(label="Labels of one round", min_value=1, initial=DEFAULTS.batch)
    seeds = forms.IntegerField(label="Repetitions", min_value=1, max_value=20, initial=DEFAULTS.seeds)
    overlap = forms.IntegerField(label="People for each item", min_value=1, max_value=20, initial=DEFAULTS.overlap)
    accuracy = forms.FloatField(
        label="Right answers of a person, %",
        min_value=1,
        max_value=100,
        initial=round(100 * DEFAULTS.annotator_accuracy),
    )
    test_percent = forms.FloatField(
        label="Rows kept to measure, %", min_value=1, max_value=99, initial=round(100 * DEFAULTS.test_share)
    )

    def __init__(self, found: ProjectSource, data: Any = None) -> None:
        super().__init__(data, prefix=None)
        names = [one.name for one in found.columns]
        guesses = {guess.name: guess.role for guess in found.guesses}
        self.fields["label"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]
        self.fields["label"].initial = next((name for name, role in guesses.items() if role == ColumnRole.LABEL), "")
        inputs = [name for name, role in guesses.items() if role in INPUT_ROLES]
        self.fields["reads"].choices = [  # type: ignore[attr-defined]
            (ALL_INPUTS, f"What looks like an input: {columns_in_words(inputs)}"),
            *((name, f"The text of {short_name(name)} alone") for name in names),
        ]
        self.fields["time"].choices = [("", "no"), *((name, name) for name in names)]  # type: ignore[attr-defined]

    def of_the_file(self) -> list[forms.BoundField]:
        """Fields about the file's columns."""
        return [self[name] for name in ("label", "reads", "time", "test_percent")]

    def of_the_labels(self) -> list[forms.BoundField]:
        """Fields about how labels are asked for."""
        return [self[name] for name in self.fields if name not in ("label", "reads", "time", "test_percent")]

    def options(self, dialect: Dialect) -> dict[str, Any]:
        """The options of the command."""
        given = self.cleaned_data
        return {
            **{name: given[name] for name in ("label", "time", "metric", "strategy", "budget", "batch", "seeds")},
            "overlap": given["overlap"],
            "text": given["reads"],
            "annotator_accuracy": given["accuracy"] / 100,
            "test_share": given["test_percent"] / 100,
            "separator": dialect.separator or "",
            "decimal": dialect.decimal or "",
            "encoding": dialect.encoding or "",
        }


@require_GET
@member_anywhere(Can.CHANGE)
def start(request: UserRequest) -> HttpResponse:
    """Where a file is chosen, and what this person asked before."""
    return _start_page(request)


def _start_page(request: UserRequest, *, problem: str = "") -> HttpResponse:
    newest = Backtest.objects.filter(owner=request.user).select_related("job").defer("figures").order_by("-pk")
    context = {"problem": problem, "backtests": newest[:NEWEST], "largest": source.LARGEST >> 20}
    return render(request, "overview/backtest_start.html", context, status=422 if problem else 200)


@require_POST
@member_anywhere(Can.CHANGE)
def take_file(request: UserRequest) -> HttpResponse:
    """Keep the file for some days, which is all that is stored before a backtest begins."""
    given = request.FILES.get("file") if not takes_file(request) else None
    if given is None and not takes_file(request):
        return _start_page(request, problem="Choose a file.")
    upload = None
    try:
        parts = given.chunks() if given else body_parts(request)
        name = str(given.name) if given else request.GET.get("name", "")
        upload = uploads.store_upload(parts, name=name, owner=request.user, at=timezone.now())
        source.examine(upload, Dialect())
    except (UnusableFile, BadFile, BrokenBody, uploads.UploadRefused) as why:
        if upload:
            uploads.remove_upload(upload)
        return _start_page(request, problem=str(why))
    return redirect("backtest:from-upload", upload.uid)


@require_http_methods(["GET", "POST"])
@member_anywhere(Can.CHANGE)
def from_upload(request: UserRequest, upload_uid: str) -> HttpResponse:
    """The options of one uploaded file."""
    upload = get_object_or_404(StoredUpload, owner=request.user, uid=upload_uid)
    try:
        found = source.examine(upload, Dialect())
    except (UnusableFile, BadFile, uploads.UploadGone) as why:
        return _start_page(request, problem=str(why))
    form = BacktestForm(found, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            options = form.options(found.dialect)
            made = backtest_jobs.start_backtest(upload, options, by=request.user, at=timezone.now())
            return redirect("backtest:detail", made.uid)
        except BadBacktest as why:
            form.add_error(None, str(why))
    context = {"form": form, "source": found, "upload": upload}
    return render(request, "overview/backtest_options.html", context, status=422 if form.errors else 200)


@require_GET
@member_anywhere(Can.CHANGE)
def detail(request: UserRequest, backtest_uid: str) -> HttpResponse:
    """The progress of one backtest, then its figures; a fragment while it is polled."""
    found = _own(request, backtest_uid)
    price = backtest_figures.parse_price(request.GET)
    page = "overview/backtest.html" + ("#figures" if asks_for_fragment(request) else "")
    shown = backtest_figures.describe(found.figures, price) if found.figures else None
    return render(request, page, {"backtest": found, "state": found.state, "shown": shown, "price": price})


@require_POST
@member_anywhere(Can.CHANGE)
def stop(request: UserRequest, backtest_uid: str) -> HttpResponse:
    backtest_jobs.stop_backtest(_own(request, backtest_uid), by=request.user, at=timezone.now())
    return redirect("backtest:detail", backtest_uid)


def _own(request: UserRequest, uid: str) -> Backtest:
    return get_object_or_404(Backtest.objects.select_related("job"), owner=request.user, uid=uid)
