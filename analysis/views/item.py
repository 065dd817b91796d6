"""Item: what do we know about this case?"""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from analysis.item_story import story
from analysis.item_timeline import timeline
from analysis.neighbours import labelled_neighbours
from annotation import blinding
from annotation.models import Item
from projects.guards import ProjectRequest, asks_for_fragment, member
from projects.models import Can


@require_GET
@member(Can.SEE)
def item(request: ProjectRequest, uid: str) -> HttpResponse:
    """Everything known of one case."""
    found = _item_of(request, uid)
    known = story(found, viewer=request.user)
    context = {"project": request.project, "item": found, "events": timeline(found, known), **known}
    return render(request, "analysis/item.html", context)


@require_GET
@member(Can.SEE)
def neighbours(request: ProjectRequest, uid: str) -> HttpResponse:
    """The labelled items most like one case; none of them to who may still label it for an evaluation."""
    found = _item_of(request, uid)
    visible = blinding.may_see(found, request.user)
    context = {
        "project": request.project,
        "item": found,
        "inputs": request.project.contract().types().items(),
        "neighbours": labelled_neighbours(found, viewer=request.user) if visible else None,
    }
    template = "analysis/item_neighbours.html" + ("#neighbours" if asks_for_fragment(request) else "")
    return render(request, template, context)


def _item_of(request: ProjectRequest, uid: str) -> Item:
    found = Item.objects.filter(project=request.project, uid=uid).first()
    if found is None:
        raise Http404("There is no such item in this project.")
    found.project = request.project  # known already: no query for it
    return found
