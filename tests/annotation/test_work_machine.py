"""Claims, answers, skips, undoings, corrections and lapses in any order, against a small model of what must hold."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Count, Q
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from annotation import answers, labels, lease_ends, leases
from annotation.models import Label, LabelRevision, Lease, Resolution, RoutedItem, Slot
from tests.annotation.labelling_scenario import LATER, make_scenario

VALUES = st.sampled_from(["ham", "spam"])
PEOPLE = st.sampled_from(["alice", "bob", "carol", "rita"])
PLACE = st.integers(0, 50)


class Work(RuleBasedStateMachine):
    """`said` is the model: for each lease what its person last had acknowledged, None where it was undone."""

    def __init__(self) -> None:
        super().__init__()
        self.undo_all = transaction.atomic()
        self.undo_all.__enter__()
        self.scenario = make_scenario()
        self.scenario.ask(2)
        self.scenario.ask(2, overlap=2)
        self.leases: list[Lease] = []
        self.said: dict[str, tuple[str, Any] | None] = {}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undo_all.__exit__(None, None, None)

    def pick(self, place: int) -> Lease:
        return self.leases[place % len(self.leases)]

    @rule(who=PEOPLE, count=st.integers(1, 3))
    def claim(self, who: str, count: int) -> None:
        user = getattr(self.scenario, who)
        answered = {lease.item_id for lease in self.leases if lease.user_id == user.pk and self.said.get(lease.token)}

        given = self.scenario.claim(user, count)

        assert not {lease.item_id for lease in given} & answered
        assert len({lease.item_id for lease in given}) == len(given)
        self.leases += given

    @precondition(lambda self: self.leases)
    @rule(place=PLACE, value=VALUES)
    def submit(self, place: int, value: str) -> None:
        lease, before = self.pick(place), None
        before = self.said.get(lease.token)

        done = self.send(lease, value=value)

        if before is None:
            assert done.status in ("created", "extra"), done
            self.said[lease.token] = ("given", value)
        elif before == ("given", value):
            assert done.status == "existing"
        else:
            assert done.status in ("existing", "refused")

    @precondition(lambda self: self.leases)
    @rule(place=PLACE)
    def skip(self, place: int) -> None:
        lease = self.pick(place)
        before = self.said.get(lease.token)

        done = self.send(lease, skip=True)

        if before is None:
            assert done.status == "created"
            self.said[lease.token] = ("skipped", None)
        else:
            assert done.status in ("existing", "refused")

    def send(self, lease: Lease, **answer: Any) -> labels.Submitted:
        return labels.submit(self.scenario.project, lease.token, by=lease.user, at=self.scenario.tick(), **answer)

    @precondition(lambda self: self.leases)
    @rule(place=PLACE)
    def undo(self, place: int) -> None:
        lease = self.pick(place)
        try:
            labels.undo(self.scenario.project, lease.token, by=lease.user, at=self.scenario.tick())
        except answers.AnswerRefused:
            return
        assert lease.token in self.said
        self.said[lease.token] = None

    @precondition(lambda self: self.leases)
    @rule(place=PLACE, value=VALUES)
    def revise(self, place: int, value: str) -> None:
        lease = self.pick(place)
        label = Label.objects.filter(lease=lease).first()
        if label is None:
            return
        done = labels.revise(label, value=value, by=lease.user, at=self.scenario.tick())
        if done.status != "refused":
            assert self.said[lease.token] is not None
            self.said[lease.token] = ("given", value)

    @precondition(lambda self: self.leases)
    @rule(place=PLACE)
    def give_back(self, place: int) -> None:
        lease = self.pick(place)
        leases.give_back(lease, by=lease.user, at=self.scenario.tick())

    @rule(sweep=st.booleans())
    def lapse(self, sweep: bool) -> None:
        self.scenario.tick(LATER)
        if sweep:
            lease_ends.release_expired(at=self.scenario.now)

    @rule(seconds=st.integers(1, 500))
    def beat(self, seconds: int) -> None:
        now = self.scenario.tick(timedelta(seconds=seconds))
        for user in (self.scenario.alice, self.scenario.bob):
            mine = [lease.token for lease in self.leases if lease.user_id == user.pk]
            held = leases.extend(self.scenario.project, tokens=mine, by=user, at=now)
            slots = Lease.objects.filter(token__in=held).values_list("slot", flat=True)
            assert len(slots) == len(set(slots))

    @invariant()
    def what_was_acknowledged_is_kept(self) -> None:
        stored = {
            token: None if state == "undone" else (state, value)
            for token, state, value in Label.objects.values_list("lease__token", "state", "value")
        }
        assert stored == self.said

    @invariant()
    def no_slot_is_overfilled_and_no_filled_slot_is_empty(self) -> None:
        given = Q(labels__state="given", labels__extra=False)
        for state, n in Slot.objects.annotate(n=Count("labels", filter=given)).values_list("state", "n"):
            assert n == (1 if state == "filled" else 0)

    @invariant()
    def nobody_answers_an_item_twice_or_holds_it_twice(self) -> None:
        counted = Label.objects.filter(state="given", extra=False).values("item", "user", "slot__routed")
        assert not counted.annotate(n=Count("pk")).filter(n__gt=1).exists()
        held = Slot.objects.filter(state="leased").values("item", "leased_to").annotate(n=Count("pk"))
        assert not held.filter(n__gt=1).exists()

    @invariant()
    def what_is_done_is_full_and_agreed_and_what_is_open_is_not(self) -> None:
        agreed = set(Resolution.objects.current().values_list("item", flat=True))
        for routed in RoutedItem.objects.annotate(filled=Count("slots", filter=Q(slots__state="filled"))):
            if routed.state == "done":
                assert routed.filled == routed.overlap and routed.item_id in agreed
            if routed.state == "open":
                assert routed.filled < routed.overlap and routed.item_id not in agreed
                assert not routed.slots.filter(state="closed").exists()

    @invariant()
    def every_label_has_a_revision_for_each_step(self) -> None:
        for label in Label.objects.annotate(n=Count("revisions")):
            assert label.revision == label.n
        assert LabelRevision.objects.filter(number__lt=1).count() == 0


@pytest.mark.simulation
@pytest.mark.django_db
def test_work_holds_what_it_promises_in_any_order() -> None:
    run_state_machine_as_test(
        Work,
        settings=settings(
            max_examples=20,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
