"""Models of routing: causes, queues, routed items, slots and leases."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from annotation.models.capture import Item
from annotation.sampling import STRATEGIES
from projects.ids import new_id
from projects.models import Project

User = settings.AUTH_USER_MODEL
LONGEST_REASON = 300


def lease_id() -> str:
    return new_id("lease")


class Cause(models.TextChoices):
    """Why an item needs a person."""

    UNCERTAIN = "uncertain", "Uncertain"
    DRIFTED = "drifted", "Drifted"
    DISPUTED = "disputed", "Disputed"
    OVERRIDDEN = "overridden", "Overridden"
    OUTCOME_CONFLICT = "outcome_conflict", "Outcome conflict"
    ESCALATED = "escalated", "Escalated"
    COMMENTED = "commented", "Commented"
    SUSPECTED = "suspected", "Suspected label error"
    SLICE = "slice", "Slice"
    GOLD = "gold", "Gold"
    AUDIT = "audit", "Audit"
    DISAGREEMENT = "disagreement", "Disagreement"
    TYPICAL = "typical", "Typical"


EVALUATION_CAUSES = (Cause.AUDIT, Cause.GOLD, Cause.DISAGREEMENT)
TO_REVIEW = (Cause.DISPUTED, Cause.ESCALATED, Cause.COMMENTED)  # a reviewer reads it
ASKED_AT_ONCE = (*TO_REVIEW, Cause.OVERRIDDEN, Cause.OUTCOME_CONFLICT)  # whatever waits already


_titles: dict[str, str] = {cause.value: cause.label for cause in Cause}


def name_cause(name: str, title: str) -> None:
    """Give a cause of an added module its title."""
    _titles[name] = title


def cause_titles() -> dict[str, str]:
    """Every known cause with its title, as pages and filters list them."""
    return dict(_titles)


def cause_title(name: str) -> str:
    """The title of a cause; one whose module is gone is named after itself."""
    return _titles.get(name, name.replace("_", " ").capitalize())


class Order(models.TextChoices):
    """What a queue asks first."""

    PRIORITY = "priority", "Most wanted first"
    RANDOM = "random", "At random"
    OLDEST = "oldest", "Oldest first"
    NEWEST = "newest", "Newest first"


class Queue(models.Model):
    """A cause or a rule, with how it is sampled and who works on it."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="queues")
    slug = models.SlugField(max_length=60)
    title = models.CharField(max_length=120)
    cause = models.CharField(max_length=20)
    overlap = models.PositiveSmallIntegerField(default=1)
    weight = models.FloatField(default=1.0, help_text="Between queues, higher is asked sooner.")
    sla_hours = models.FloatField(null=True, blank=True, help_text="How long an item may wait.")
    strategy = models.CharField(max_length=40, default="auto", help_text="How routing chooses items for it.")
    order = models.CharField(max_length=10, choices=Order, default=Order.PRIORITY)
    daily_budget = models.PositiveIntegerField(
        null=True, blank=True, help_text="Items that routing puts into it in 24 hours at most; empty = no limit."
    )
    paused = models.BooleanField(default=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "slug"], name="queue_slug_once"),
            models.CheckConstraint(condition=Q(overlap__gte=1) & Q(overlap__lte=20), name="queue_overlap_1_to_20"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_cause_display(self) -> str:
        return cause_title(self.cause)

    def clean(self) -> None:
        """Refuse what would have no effect, or would harm a random sample."""
        allowed = [name for name in STRATEGIES if name != "committee"] if self.cause == Cause.UNCERTAIN else ["auto"]
        if self.strategy not in allowed:
            raise ValidationError({"strategy": f"A queue of the cause {self.cause} takes {', '.join(allowed)}."})
        if self.cause == Cause.AUDIT and self.order != Order.RANDOM:
            raise ValidationError({"order": "What is drawn at random is asked at random."})
        if self.daily_budget is not None and (self.created_by_id or self.cause in ASKED_AT_ONCE):
            raise ValidationError({"daily_budget": "Only a queue that routing fills by choice takes a daily budget."})


class SupplyMark(models.Model):
    """How few open slots of a project call for a round of routing; written by jobs, read by every claim."""

    project = models.OneToOneField(Project, models.CASCADE, related_name="supply_mark")
    low_water = models.PositiveIntegerField()
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"fewer than {self.low_water}"


class RoutedState(models.TextChoices):
    OPEN = "open"
    DONE = "done"
    REVIEW = "review"
    WITHDRAWN = "withdrawn"


class RoutedItem(models.Model):
    """An item in a queue: cause, reason in words, the numbers behind it, inclusion probability and priority."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="routed_items")
    queue = models.ForeignKey(Queue, models.CASCADE, related_name="routed_items")
    item = models.ForeignKey(Item, models.CASCADE, related_name="routed_items")
    cause = models.CharField(max_length=20)
    reason = models.CharField(max_length=LONGEST_REASON)
    numbers = models.JSONField(default=dict)
    inclusion_probability = models.FloatField(help_text="1 where it was chosen for certain, else that of its draw.")
    audit_probability = models.FloatField(
        null=True, help_text="Of the audit draw alone, for audit items: what a comparison on them weighs by."
    )
    evaluation = models.BooleanField(default=False, help_text="No reason or suggestion is shown; never trained on.")
    priority = models.FloatField(help_text="Written by jobs, higher sooner.")
    overlap = models.PositiveSmallIntegerField(default=1)
    scored_by = models.CharField(max_length=80, blank=True, default="", help_text="Version whose scores decided.")
    strategy = models.CharField(max_length=40, blank=True, default="")
    state = models.CharField(max_length=10, choices=RoutedState, default=RoutedState.OPEN)
    routed_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item"], condition=Q(state="open"), name="item_open_in_one_queue"),
            models.CheckConstraint(
                condition=Q(inclusion_probability__gt=0) & Q(inclusion_probability__lte=1),
                name="inclusion_probability_0_to_1",
            ),
        ]
        indexes = [
            models.Index(fields=["project", "state", "cause"], name="routed_by_state"),
            models.Index(fields=["item", "-routed_at"], name="routed_by_item"),
        ]

    def __str__(self) -> str:
        return f"{self.item_id} because {self.cause}"

    def get_cause_display(self) -> str:
        return cause_title(self.cause)


class SlotState(models.TextChoices):
    OPEN = "open"
    LEASED = "leased"
    FILLED = "filled"
    CLOSED = "closed"


TO_LABEL = Q(state=RoutedState.OPEN, queue__paused=False) & ~Q(cause=Cause.DISPUTED)
"""Waits for a label. What a paused queue holds waits for nobody, and a dispute for a reviewer."""
IN_REVIEW = Q(state=RoutedState.REVIEW) | Q(state=RoutedState.OPEN, cause=Cause.DISPUTED)
"""Waits for a reviewer. A disputed item has two such rows: the one that led to the dispute, and the dispute itself."""


class Slot(models.Model):
    """One place for one person's label. Overlap k is k rows, so over-filling is impossible."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="slots")
    queue = models.ForeignKey(Queue, models.CASCADE, related_name="slots")
    routed = models.ForeignKey(RoutedItem, models.CASCADE, related_name="slots")
    item = models.ForeignKey(Item, models.CASCADE, related_name="slots")
    ordinal = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=6, choices=SlotState, default=SlotState.OPEN)
    priority = models.FloatField(help_text="Queue weight and item priority, written by jobs.")
    lease_token = models.CharField(max_length=40, blank=True, default="", help_text="Of the claim that holds it.")
    leased_to = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["routed", "ordinal"], name="slot_ordinal_once"),
            models.UniqueConstraint(
                fields=["item", "leased_to"], condition=Q(state="leased"), name="one_lease_per_item_and_person"
            ),
        ]
        indexes = [
            models.Index(
                fields=["project", "-priority", "id"], condition=Q(state="open"), name="open_slots_by_priority"
            ),
            models.Index(fields=["queue", "-priority", "id"], condition=Q(state="open"), name="open_slots_by_queue"),
            models.Index(fields=["project", "lease_until"], condition=Q(state="leased"), name="leased_slots_by_end"),
        ]

    def __str__(self) -> str:
        return f"slot {self.pk} ({self.state})"


class Lease(models.Model):
    """The right of one person to label one item until a time. Its token is the submit's idempotency key."""

    token = models.CharField(max_length=40, unique=True, default=lease_id, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="leases")
    slot = models.ForeignKey(Slot, models.CASCADE, related_name="leases")
    item = models.ForeignKey(Item, models.CASCADE, related_name="leases")
    user = models.ForeignKey(User, models.CASCADE, related_name="leases")
    guideline_version = models.PositiveIntegerField(default=0)
    granted_at = models.DateTimeField()
    beats = models.BooleanField(default=False, help_text="A desk extends it by heartbeats, and is idle without them.")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["slot"], name="lease_by_slot")]

    def __str__(self) -> str:
        return self.token
