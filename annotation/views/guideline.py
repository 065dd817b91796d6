"""The settings page of the guideline: its text, a preview, its versions, and what differs between two of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_http_methods

from annotation import guidelines
from annotation.guideline_examples import (
    LARGEST_IMAGE,
    MOST_IMAGES,
    UnusableExample,
    check_examples,
    store_images,
    with_examples,
)
from annotation.markdown_html import guideline_html
from annotation.models import Guideline, Label, Slot, SlotState
from annotation.text_changes import word_changes
from projects.formatting import plural
from projects.guards import ProjectRequest, member
from projects.models import Can, ChangeRecord, Project, User
from projects.views.settings_page import SHOWN_VERSIONS, ChangeLine, Effect, SettingsPage


class ManyFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class GuidelineForm(forms.Form):
    text = forms.CharField(
        required=False,
        strip=False,
        max_length=guidelines.LONGEST,
        label="Markdown",
        widget=forms.Textarea(attrs={"rows": 20}),
        help_text="An item as an example, on a line of its own: ![a torn corner](item:ITEM) with the item's name.",
    )
    images = forms.FileField(
        required=False,
        label="Add images",
        widget=ManyFiles(attrs={"accept": "image/png,image/jpeg,image/gif,image/webp"}),
        help_text=f"PNG, JPEG, GIF or WebP, at most {LARGEST_IMAGE // 2**20} MiB each. They are put behind the text; "
        "move the line where it belongs.",
    )

    def clean_text(self) -> str:
        """Browsers end lines with CR LF, whatever was there."""
        return str(self.cleaned_data["text"]).replace("\r\n", "\n").strip()


class GuidelinePage(SettingsPage):
    """How to label, as people read it beside every item."""

    template, url, noun = "annotation/guideline.html", "annotation:guideline", "Guideline"

    def respond(self, request: ProjectRequest) -> HttpResponse:
        """Images that come with the form are kept, and the text that names them is looked at, not saved."""
        files = request.FILES.getlist("images") if request.method == "POST" else []
        if not files:
            return super().respond(request)
        sent = request.POST.copy()
        text = str(sent.get("text", "")).rstrip()
        try:
            # One byte more than an image takes says that it is too large.
            read = [(str(file.name), file.read(LARGEST_IMAGE + 1)) for file in files[: MOST_IMAGES + 1]]
            added = store_images(request.project, read, at=timezone.now())
        except UnusableExample as why:
            form = self.form(request.project, sent)
            return self.show(request, form, status=422, base=sent.get("base", ""), problem=str(why))
        sent["text"], sent["act"] = f"{text}\n\n{added}".lstrip(), "look"
        request.POST = sent  # type: ignore[assignment]
        return super().respond(request)

    def present(self, project: Project) -> str:
        return guidelines.text_of(guidelines.current(project))

    def form(self, project: Project, data: Any = None) -> forms.Form:
        return GuidelineForm(data, initial={"text": self.present(project)})

    def proposed(self, project: Project, form: Any) -> str:
        return str(form.cleaned_data["text"])

    def validate(self, project: Project, proposed: str) -> None:
        check_examples(project, proposed)

    def changes(self, project: Project, before: str, after: str) -> list[ChangeLine]:
        return [ChangeLine("Length", _length(before), _length(after))]

    def effects(self, project: Project, before: str, after: str) -> list[Effect]:
        given = Label.objects.filter(project=project, guideline_version=guidelines.version(project)).count()
        held = Slot.objects.filter(project=project, state=SlotState.LEASED, lease_until__gt=timezone.now())
        people = held.values("leased_to").distinct().count()
        found = [Effect(f"{plural(given, 'label,labels')} of the version before keep its number.")] if given else []
        if people:
            words = plural(people, "person labels now and sees,people label now and see")
            found.append(Effect(f"{words} it at the next item."))
        return found

    def preview_context(self, project: Project, before: str, after: str) -> dict[str, Any]:
        return {"words": marked(before, after), "html": guideline_html(with_examples(project, after))}

    def store(self, project: Project, proposed: Any, *, base: str, reason: str, by: User, at: datetime) -> Any:
        return guidelines.publish(project, text=proposed, base=base, reason=reason, by=by, at=at)

    def versions(self, project: Project) -> Sequence[tuple[int, ChangeRecord, Any]]:
        rows = project.guidelines.select_related("created_by").order_by("-version")[: SHOWN_VERSIONS + 1]
        return [(row.version, row, row.text) for row in rows]

    def context(self, request: ProjectRequest) -> dict[str, Any]:
        numbers = list(request.project.guidelines.order_by("-version").values_list("version", flat=True))
        current, compared = self.present(request.project), _compared(request, numbers)
        return {
            "numbers": numbers,
            "current_html": guideline_html(with_examples(request.project, current)),
            "compared": compared,
            "earlier": compared["old"].version if compared else numbers[1] if len(numbers) > 1 else 0,
        }


def marked(before: str, after: str) -> SafeString:
    """The two texts as one, removed words in <del> and added ones in <ins>."""
    tags = {"same": ("", ""), "removed": ("<del>", "</del>"), "added": ("<ins>", "</ins>")}
    parts = [(tags[part.standing], part.text) for part in word_changes(before, after)]
    rows = ((mark_safe(begin), text, mark_safe(end)) for (begin, end), text in parts)  # noqa: S308  the tags above
    return format_html_join("", "{}{}{}", rows)


def _length(text: str) -> str:
    return plural(len(text.split()), "word,words")


def _compared(request: ProjectRequest, numbers: list[int]) -> dict[str, Any] | None:
    """The differences of the two versions that the address names; None where it names none."""
    asked = request.GET.get("from"), request.GET.get("to")
    if None in asked:
        return None
    try:
        old, new = (_version(request.project, number or "") for number in asked)
    except (ValueError, Guideline.DoesNotExist):
        raise Http404("There is no such version of the guideline.") from None
    return {"old": old, "new": new, "words": marked(old.text, new.text)}


def _version(project: Project, number: str) -> Guideline:
    if not number.isdecimal() or len(number) > 9:
        raise ValueError(number)
    return project.guidelines.select_related("created_by").get(version=int(number))


PAGE = GuidelinePage()


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.REVIEW)
def guideline(request: ProjectRequest) -> HttpResponse:
    return PAGE.respond(request)
