"""Items: show me the cases."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from analysis import bulk_acts, item_columns, item_filters, items, relabel, saved_views, side_conditions
from analysis.item_pages import PageStart, parse_order
from analysis.selection_exports import start_selection_export
from analysis.windows import ALL, WORDS
from annotation import kinds, side_answers, tags, versions
from annotation.exchange.rows import UnusableFile
from annotation.exporting import written_formats
from annotation.models import Item, cause_titles
from annotation.signals import joining
from annotation.version_chip import version_chip
from projects.formatting import plain_moment, plural
from projects.guards import ProjectRequest, asks_for_fragment, member
from projects.models import Can, Project
from projects.paging import BadCursor
from validation.json_values import is_storable_text

MOST_SELECTED = 5000


@require_GET
@member(Can.SEE)
def item_list(request: ProjectRequest) -> HttpResponse:
    if request.GET.get("condition_on"):
        return redirect(f"{request.path}?{item_columns.with_condition(request.GET)}")
    return _list(request, request.GET)


def _list(request: ProjectRequest, given: QueryDict, *, problem: str = "") -> HttpResponse:
    """The view that these filters ask for; `problem` says why its form was refused."""
    project, now = request.project, timezone.now()
    try:
        filters = item_filters.parse_filters(given, project)
        order = parse_order(given.get("sort", ""), project)
        selection = items.ItemSelection(project, filters, now, request.user)
        page = items.find_page(selection, order, PageStart(given.get("after", ""), given.get("before", "")))
        columns = item_columns.parse_columns(_columns_of(given), project)
    except (item_filters.BadFilter, BadCursor) as why:
        return render(request, "analysis/item_list.html", {"project": project, "error": str(why)}, status=400)
    state = item_columns.ViewState(filters, order, columns, given.get("layout", ""))
    known = versions.load(project)
    shown = filters.version or filters.judges or known.serves
    context = {
        "project": project,
        "chips": [version_chip(project, known, shown, partial(_of_version, project, filters, known))],
        "page": page,
        "rows": page.rows,
        "state": state,
        "columns": state.shown_columns(project),
        "grid": state.is_grid(project),
        "all_columns": item_columns.all_columns(project),
        "filters": filters,
        "active": active(request, filters, state.hidden),
        "total": page.total,
        "more": page.total == items.MOST_COUNTED,
        "most": items.MOST_COUNTED - 1,
        "selectable": MOST_SELECTED,
        "left_out": items.count_left_out(project, order.limit(filters), at=now, viewer=request.user),
        "signals": joining.count_waiting(project),
        "query": state.query(),
        "call": request.build_absolute_uri(f"/api/v1/projects/{project.slug}/items") + state.api_query(),
        "views": saved_views.seen_by(project, request.user),
        "tags": tags.tag_names(project),
        "formats": written_formats(),
        "tag_acts": (("tag", "Put tag on"), ("untag", "Take tag off")),
        "sorts": item_columns.sorts(project, filters),
        "names": item_filters.NAMES,
        "answers": _answer_filters(project, filters),
        "classes": kinds.class_names(project),
        "states": item_filters.STATES,
        "causes": cause_titles().items(),
        "inputs": project.contract().types(),
        "can_change": request.role.can(Can.CHANGE),
        "after": given.get("after", "") or given.get("before", ""),
        "windows": {name: words for name, words in WORDS.items() if name != ALL},
        "problem": problem,
    }
    template = "analysis/item_list.html" + ("#rows" if asks_for_fragment(request) else "")
    return render(request, template, context, status=422 if problem else 200)


def _answer_filters(project: Project, filters: item_filters.Filters) -> list[tuple[str, str, str, list[str]]]:
    """Name, title, choice and values of each filter by a value of the task, as its kind lists them."""
    values = list(item_filters.filter_values(project))
    found = [
        (name, item_filters.NAMES[name], getattr(filters, name), values) for name in item_filters.ANSWERS if values
    ]
    chosen = dict(filters.active())
    for one in side_answers.of_project(project):
        name = f"{side_conditions.PREFIX}{one.name}"
        found.append((name, one.words, chosen.get(name, ""), side_conditions.answers_of(one)))
    return found


def _of_version(project: Project, filters: item_filters.Filters, known: versions.Versions, tag: str) -> str:
    """The address of this view with the answers of another version; what serves needs no filter."""
    wanted = "" if tag == known.serves else tag
    query = filters.query(version=wanted, judges=tag if filters.judges else "")
    return reverse("analysis:item-list", args=[project.slug]) + (f"?{query}" if query else "")


def active(
    request: ProjectRequest, filters: item_filters.Filters, beside: Sequence[tuple[str, str]] = ()
) -> list[dict[str, str]]:
    """The filters in force as chips, each with the address of the view without it, but with the rest of its state."""
    base = reverse("analysis:item-list", args=[request.project.slug])
    found = []
    for name, value in filters.active():
        kept = [] if name == "similar" else beside  # no order by distance from an item that is not named
        query = urlencode([*filters.without(name, value).active(), *kept])
        words = _chip_words(request.project, name, value)
        title = item_filters.title_of_filter(request.project, name)
        if name in item_filters.MANY:
            title, _, words = value.partition(":") if name == "input" else (title, "", words)
        found.append({"name": title, "value": words or "missing", "url": f"{base}?{query}" if query else base})
    return found


def _chip_words(project: Project, name: str, value: str) -> str:
    if name in ("since", "until"):
        return plain_moment(item_filters.parse_moment(name, value), "j M H:i:s")
    if name in item_filters.ANSWERS:
        return project.schema().title_of(value)
    if name == "similar":
        return Item.objects.filter(project=project, uid=value).values_list("key", flat=True).first() or value
    return item_filters.STATES.get(value, value) if name == "state" else value


def _columns_of(given: QueryDict) -> str:
    """The columns as an address names them, or as a form of check boxes does."""
    return given.get("columns", "") or "|".join(given.getlist("column"))


@require_POST
@member(Can.CHANGE)
def queue_selection(request: ProjectRequest) -> HttpResponse:
    """Make a queue of the chosen rows, or of the whole view: by a job where that is large."""
    project, now = request.project, timezone.now()
    back = reverse("analysis:item-list", args=[project.slug])
    when = plain_moment(now, "j M H:i")
    title = request.POST.get("title", "").strip()[:100] or f"Selection of {when}"
    try:
        filters = item_filters.parse_filters(request.POST, project)
        words = " and ".join(f"{chip['name'].lower()} {chip['value']}" for chip in active(request, filters))
        reason = f"chosen by {request.user.name()}: {words or 'by hand'}"[:300]
        found = items.select(project, filters, at=now, viewer=request.user)
        whole = request.POST.get("all") == "yes"
        if whole and items.ItemSelection(project, filters, now, request.user).count() > MOST_SELECTED:
            made = bulk_acts.start_queue(project, title, reason, filters.query(), by=request.user, at=now)
            messages.info(request, f"A job adds all items that match to {made.title}; Jobs says how far it is.")
            return redirect(f"{back}?queue={made.slug}")
        if not whole:
            chosen = filter(is_storable_text, request.POST.getlist("item")[:MOST_SELECTED])
            found = found.filter(uid__in=list(chosen))
        ids = list(found.values_list("pk", flat=True)[:MOST_SELECTED])
        queue, put = relabel.queue_items(
            project,
            ids,
            title=title,
            reason=reason,
            by=request.user,
            at=now,
        )
    except (item_filters.BadFilter, relabel.NothingToQueue, relabel.queues.QueueProblem) as why:
        return _list(request, request.POST, problem=str(why))
    waited = f" {plural(put.already, 'waits,wait')} in a queue already." if put.already else ""
    messages.info(request, f"{plural(put.created, 'item,items')} added to {queue.title}.{waited}")
    return redirect(f"{back}?queue={queue.slug}")


@require_POST
@member(Can.SEE)
def save_view(request: ProjectRequest) -> HttpResponse:
    """Keep the view under a name."""
    project, given = request.project, request.POST
    try:
        filters = item_filters.parse_filters(given, project)
        order = parse_order(given.get("sort", ""), project)
        columns = item_columns.parse_columns(_columns_of(given), project)
        query = item_columns.ViewState(filters, order, columns, given.get("layout", "")[:10]).query()
        shared = given.get("shared") == "yes"
        name = given.get("name", "")
        view = saved_views.save_view(project, name, query, shared=shared, by=request.user, at=timezone.now())
    except (item_filters.BadFilter, saved_views.BadSavedView) as why:
        return _list(request, given, problem=str(why))
    messages.info(request, f"Saved as {view.name}.")
    return redirect(_address(project, query))


@require_POST
@member(Can.SEE)
def change_view(request: ProjectRequest, view: int) -> HttpResponse:
    """Rename or delete a saved view."""
    found = saved_views.seen_by(request.project, request.user).filter(pk=view).first()
    if found is None:
        raise Http404("There is no such view.")
    found.project = request.project
    by, role, now = request.user, request.role, timezone.now()
    try:
        if request.POST.get("act") == "delete":
            saved_views.delete_view(found, by=by, role=role, at=now)
        else:
            saved_views.rename_view(found, request.POST.get("name", ""), by=by, role=role, at=now)
    except saved_views.BadSavedView as why:
        return _list(request, QueryDict(found.query), problem=str(why))
    return redirect(_address(request.project, found.query))


@require_POST
@member(Can.CHANGE)
def tag_selection(request: ProjectRequest) -> HttpResponse:
    """Put a tag on the chosen rows or take it off, at once; of the whole view by a job."""
    project, given, now = request.project, request.POST, timezone.now()
    act, name = given.get("act", ""), given.get("tag_name", "")
    try:
        filters = item_filters.parse_filters(given, project)
        if given.get("tag_all") == "yes":
            bulk_acts.start_act(project, act, name, filters.query(), by=request.user, at=now)
            messages.info(request, "A job does it for all items that match; Jobs says how far it is.")
        else:
            ids = _chosen(request, filters, at=now)
            bulk_acts.act_now(project, act, name, ids, by=request.user, at=now)
            messages.info(request, f"{plural(len(ids), 'item,items')}: {name}.")
    except (item_filters.BadFilter, bulk_acts.BadAct, tags.BadTag) as why:
        return _list(request, given, problem=str(why))
    return redirect(_address(project, filters.query()))


@require_POST
@member(Can.CHANGE)
def export_selection(request: ProjectRequest) -> HttpResponse:
    """Let a job write the chosen rows to a file, or all items of the view where none is chosen."""
    project, given = request.project, request.POST
    try:
        made = start_selection_export(
            project,
            item_filters.parse_filters(given, project),
            given.get("format", "jsonl"),
            chosen=[uid for uid in given.getlist("item") if is_storable_text(uid)],
            viewer=request.user,
            by=request.user,
            at=timezone.now(),
            full=given.get("full") == "yes",
        )
    except (item_filters.BadFilter, UnusableFile) as why:
        return _list(request, given, problem=str(why))
    return redirect("annotation:export", project.slug, made.uid)


def _chosen(request: ProjectRequest, filters: item_filters.Filters, *, at: datetime) -> list[int]:
    """Ids of the items that were chosen in a form."""
    uids = list(filter(is_storable_text, request.POST.getlist("item")[:MOST_SELECTED]))
    found = items.ItemSelection(request.project, filters, at, request.user).matching().filter(uid__in=uids)
    return list(found.values_list("pk", flat=True))


def _address(project: Project, query: str) -> str:
    base = reverse("analysis:item-list", args=[project.slug])
    return f"{base}?{query}" if query else base
