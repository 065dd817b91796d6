"""One prediction: why was this decided so?"""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from annotation.models import Prediction
from projects.guards import ProjectRequest, member
from projects.models import Can
from retraining.decision_record import decision_record


@require_GET
@member(Can.SEE)
def decision(request: ProjectRequest, uid: str, pk: int) -> HttpResponse:
    rows = Prediction.objects.filter(project=request.project, item__uid=uid)
    found = rows.filter(pk=pk).select_related("item").first() if pk < 2**63 else None
    if found is None:
        raise Http404("There is no such prediction in this project.")
    found.item.project = request.project  # known already: no query for it
    record = decision_record(found, found.item, viewer=request.user)
    context = {"project": request.project, "item": found.item, "record": record}
    return render(request, "retraining/decision.html", context)
