"""Jobs of a project and of the installation, and the health of what does them."""

from django.conf import settings
from django.contrib import messages
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe

from jobs import exposition, health, queue
from jobs.models import OPEN, Job, JobQuerySet, JobState
from projects.guards import ProjectRequest, UserRequest, asks_for_fragment, member, public, signed_in, superuser
from projects.models import Can, Project
from projects.paging import BadCursor, keyset_page

PAGE = 50
VIEWS = (("", "All"), ("open", "Open"), ("dead", "Dead"), ("ended", "Ended"))


@member(Can.SEE)
@require_GET
def job_list(request: ProjectRequest) -> HttpResponse:
    return jobs_page(request, Job.objects.filter(project=request.project), may_change=request.role.can(Can.CHANGE))


@superuser
@require_GET
def all_jobs(request: UserRequest) -> HttpResponse:
    return jobs_page(request, Job.objects.all(), may_change=True)


def jobs_page(
    request: UserRequest, jobs: JobQuerySet, *, may_change: bool, status: int = 200, problem: str = ""
) -> HttpResponse:
    """Newest first; the rows ask again while one of them is open."""
    view = request.GET.get("view", "")
    try:
        page = keyset_page(
            chosen(jobs, view).select_related("project"), by=["pk"], after=request.GET.get("before", ""), size=PAGE
        )
    except BadCursor as why:
        raise Http404(str(why)) from None
    context = {
        "jobs": page.rows,
        "older": page.next,
        "moving": any(job.state in OPEN for job in page.rows),
        "dead": jobs.filter(state=JobState.DEAD).count(),
        "open": jobs.open().count(),
        "view": view,
        "views": VIEWS,
        "may_change": may_change,
        "project": getattr(request, "project", None),
        "now": timezone.now(),
        "problem": problem,
    }
    part = asks_for_fragment(request)
    template = "jobs/job_list.html#rows" if part else "jobs/job_list.html"
    return render(request, template, context, status=status)


def chosen(jobs: JobQuerySet, view: str) -> JobQuerySet:
    if view == "open":
        return jobs.open()
    if view == "dead":
        return jobs.filter(state=JobState.DEAD)
    if view == "ended":
        return jobs.exclude(state__in=OPEN)
    if view:
        raise Http404("Jobs are shown as open, dead, ended or all.")
    return jobs


@member(Can.CHANGE)
@require_POST
def requeue(request: ProjectRequest, job_id: int) -> HttpResponse:
    return requeue_one(request, get_object_or_404(Job, pk=job_id, project=request.project))


@superuser
@require_POST
def requeue_any(request: UserRequest, job_id: int) -> HttpResponse:
    return requeue_one(request, get_object_or_404(Job, pk=job_id))


def requeue_one(request: UserRequest, job: Job) -> HttpResponse:
    try:
        queue.requeue(job, by=request.user, at=timezone.now())
    except queue.NotDead as problem:
        messages.error(request, str(problem))
    except IntegrityError:
        messages.error(request, "The same work is queued again already, so this job stays as it is.")
    else:
        messages.success(request, f"Job {job.pk} queued again, with {queue.ATTEMPTS} attempts.")
    return redirect_back(request)


@member(Can.CHANGE)
@require_POST
def stop(request: ProjectRequest, job_id: int) -> HttpResponse:
    return stop_one(request, get_object_or_404(Job, pk=job_id, project=request.project))


@superuser
@require_POST
def stop_any(request: UserRequest, job_id: int) -> HttpResponse:
    return stop_one(request, get_object_or_404(Job, pk=job_id))


def stop_one(request: UserRequest, job: Job) -> HttpResponse:
    if queue.cancel(job, by=request.user, at=timezone.now()):
        messages.success(request, f"Job {job.pk} stopped.")
    else:
        messages.error(request, f"Job {job.pk} had ended already.")
    return redirect_back(request)


def redirect_back(request: UserRequest) -> HttpResponse:
    project = getattr(request, "project", None)
    return redirect("jobs:job-list", project.slug) if project else redirect("jobs:all-jobs")


@signed_in
@never_cache
@require_GET
def show_health(request: UserRequest) -> HttpResponse:
    found = health.checks(at=timezone.now())
    missing = [check for check in found if not check.ok]
    mine = health.problems(Project.objects.for_user(request.user)) if missing else []
    return render(request, "jobs/health.html", {"checks": found, "missing": missing, "problems": mine})


@public
@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process is up. It asks nothing else, so that a database that is away does not restart the web."""
    return HttpResponse("ok\n", content_type="text/plain")


@public
@never_cache
@require_safe
def show_metrics(request: HttpRequest) -> HttpResponse:
    """Figures for Prometheus. Projects and streams are named only to who sends METRICS_TOKEN; a wrong one is 401."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    token = settings.METRICS_TOKEN
    names = bool(token) and constant_time_compare(given, token)
    if given and not names:
        refused = HttpResponse("This is not METRICS_TOKEN.\n", content_type="text/plain", status=401)
        refused["WWW-Authenticate"] = "Bearer"
        return refused
    text = exposition.write_figures(at=timezone.now(), names=names)
    return HttpResponse(text, content_type=exposition.CONTENT_TYPE)


@public
@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Ready to work, or 503 and what is missing."""
    missing = [check for check in health.checks(at=timezone.now()) if not check.ok]
    body = {"ready": not missing, "missing": [{"name": check.name, "detail": check.words} for check in missing]}
    return JsonResponse(body, status=503 if missing else 200)
