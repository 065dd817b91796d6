"""What a merge, a split, a new stored value or the undoing of one does, in sentences with counts."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.urls import reverse

from annotation import kinds, label_changes
from annotation.label_changes import ChangeRequest
from annotation.label_disputes import count_settled
from annotation.label_values import holds_label
from annotation.models import (
    Label,
    LabelAct,
    LabelChange,
    LabelState,
    Prediction,
    Resolution,
    RoutedItem,
    RoutedState,
    Signal,
    Slot,
    SlotState,
)
from projects.formatting import plural
from projects.models import Project
from projects.views.settings_page import Effect

RECENT = timedelta(days=7)
NAMED = 4  # versions that are named in a sentence


def effects_of(project: Project, asked: ChangeRequest, now: datetime) -> list[Effect]:
    """What happens to labels given, agreed labels, disputes, signals, models and the desk."""
    if asked.act == LabelAct.UNDO:
        return _of_undo(project, label_changes.find_change(project, asked.undoes))
    found = _of_split(project, asked) if asked.act == LabelAct.SPLIT else _of_merge(project, asked)
    return [*found, *_of_models(project, asked, now), *_of_desk(project, asked, now)]


def _of_merge(project: Project, asked: ChangeRequest) -> list[Effect]:
    target = asked.targets[0]
    labels, agreed = _labels_given(project, asked.sources), _agreed(project, asked.sources)
    people = labels.values("user").distinct().count()
    become = f"become {target}" if kinds.class_names(project) else f"get {target} in place of {_listed(asked.sources)}"
    found = [
        Effect(
            f"{plural(labels.count(), 'label,labels')} of {plural(people, 'person,people')} {become}. "
            "What each person said stays in the history, and all of it can be undone."
        ),
        Effect(
            f"{plural(agreed.count(), 'item,items')} agreed as {_listed(asked.sources)} {become}; when they were "
            "labelled, by whom and how stays.",
            _items(project, asked.sources),
        ),
    ]
    if n := count_settled(project, dict.fromkeys(asked.sources, target)):
        found.append(Effect(f"{plural(n, 'dispute is,disputes are')} settled by it."))
    if n := Signal.objects.filter(holds_label(project, asked.sources), project=project).count():
        found.append(Effect(f"{plural(n, 'signal,signals')} that say {_listed(asked.sources)} count as {target}."))
    if kinds.class_names(project):
        found.append(Effect(f"Views and links that filter by {_listed(asked.sources)} find {target}."))
    return found


def _of_split(project: Project, asked: ChangeRequest) -> list[Effect]:
    (source,) = asked.sources
    agreed = _agreed(project, asked.sources)
    waiting = RoutedItem.objects.filter(project=project, state=RoutedState.OPEN).values("item")
    waits, total = agreed.filter(item__in=waiting).count(), agreed.count()
    words = f"{plural(total - waits, 'item,items')} agreed as {source} are asked again, in a queue of their own"
    if waits:
        words += f"; {waits:,} more wait in another queue already and are asked there"
    return [
        Effect(f"{words}. Until then they keep {source}.", _items(project, asked.sources)),
        Effect("They are left out of training and measuring until they are answered.", warns=True),
        Effect(
            f"{plural(_labels_given(project, asked.sources).count(), 'label,labels')} {source} stay in the history. "
            "Those of items that wait for more people keep counting."
        ),
    ]


def _of_undo(project: Project, change: LabelChange) -> list[Effect]:
    names, target = _listed(change.sources), _listed(change.targets)
    if change.act == LabelAct.SPLIT:
        return [
            Effect("Items that wait to be asked again and that nobody holds are taken out of their queue."),
            Effect(f"What was answered {target} since stays, and {target} stay offered."),
        ]
    found = [Effect(f"{plural(change.labels, 'label,labels')} and {plural(change.resolutions, 'item,items')} go back.")]
    if change.act == LabelAct.RENAME:
        return [*found, Effect(f"Every label {target} becomes {names} again, also those given since.")]
    words = f"What people answered {target} themselves since, or changed since, stays as it is"
    return [*found, Effect(f"{words}, and {target} stays offered.")]


def _of_models(project: Project, asked: ChangeRequest, now: datetime) -> list[Effect]:
    field = "label" if kinds.class_names(project) else "value"
    said = Prediction.objects.filter(
        holds_label(project, asked.sources, field=field), project=project, at__gt=now - RECENT
    )
    versions = Counter(said.order_by().values_list("model_version", flat=True))
    if not versions:
        return []
    tags = sorted(tag or "unnamed" for tag in versions)
    more = f" and {len(tags) - NAMED} more" if len(tags) > NAMED else ""
    words = (
        f"{', '.join(tags[:NAMED])}{more} said {_listed(asked.sources)} {plural(versions.total(), 'time,times')} in "
        "the last 7 days, and goes on saying it until a version that was trained after this is promoted."
    )
    if asked.act == LabelAct.SPLIT:
        return [Effect(f"{words} It counts as wrong wherever people answer with the new labels.", warns=True)]
    return [Effect(f"{words} It counts as {asked.targets[0]}, and so does its score.")]


def _of_desk(project: Project, asked: ChangeRequest, now: datetime) -> list[Effect]:
    held = Slot.objects.filter(project=project, state=SlotState.LEASED, lease_until__gt=now)
    people = held.values("leased_to").distinct().count()
    if not people:
        return []
    words = f"{plural(people, 'person labels,people label')} now, and get the new labels when they load the desk again."
    if asked.act == LabelAct.SPLIT:
        return [Effect(f"{words} An answer {asked.sources[0]} is refused from now on.", warns=True)]
    return [Effect(f"{words} An answer {_listed(asked.sources)} from before is kept and counts as {asked.targets[0]}.")]


def _labels_given(project: Project, values: Sequence[str]) -> QuerySet[Label]:
    return Label.objects.filter(holds_label(project, values), project=project, state=LabelState.GIVEN)


def _agreed(project: Project, values: Sequence[str]) -> QuerySet[Resolution]:
    return Resolution.objects.current().filter(holds_label(project, values), project=project)


def _items(project: Project, values: Sequence[str]) -> str:
    """The items behind the count, where one filter finds them."""
    if len(values) != 1 or not kinds.class_names(project):
        return ""
    return reverse("analysis:item-list", args=[project.slug]) + f"?{urlencode({'truth': values[0]})}"


def _listed(values: Sequence[str]) -> str:
    shown = list(values)
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
