"""Lineage of one item: what learnt from it?"""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from annotation import blinding
from annotation.models import Item
from projects.guards import ProjectRequest, asks_for_fragment, member
from projects.models import Can
from retraining.item_lineage import item_lineage


@require_GET
@member(Can.SEE)
def lineage(request: ProjectRequest, uid: str) -> HttpResponse:
    """The datasets that hold the item with what was fitted on them; nothing to who may still label it blind."""
    found = Item.objects.filter(project=request.project, uid=uid).first()
    if found is None:
        raise Http404("There is no such item in this project.")
    found.project = request.project  # known already: no query for it
    uses = item_lineage(found) if blinding.may_see(found, request.user) else None
    template = "retraining/item_lineage.html" + ("#lineage" if asks_for_fragment(request) else "")
    return render(request, template, {"project": request.project, "item": found, "uses": uses})
