"""Pages that belong to no project."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from projects import styleguide
from projects.guards import public

CAUSES = (
    ("uncertain", "Uncertain"), ("drifted", "Drifted"), ("disputed", "Disputed"), ("overridden", "Overridden"),
    ("outcome_conflict", "Outcome conflict"), ("suspected", "Suspected label error"), ("slice", "Slice"),
    ("gold", "Gold"), ("audit", "Audit"), ("typical", "Typical"),
)  # fmt: skip


@public
def show_styleguide(request: HttpRequest) -> HttpResponse:
    return render(request, "styleguide.html", {"tokens": styleguide.tokens(), "causes": CAUSES})
