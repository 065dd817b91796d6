"""Addresses of a project's pages."""

from django.urls import reverse

from projects.models import Project


def project_url(name: str, project: Project, query: str = "") -> str:
    return reverse(name, args=[project.slug]) + (f"?{query}" if query else "")
