"""Rankings: what the candidates are, which orders are taken, when votes settle, and how far they agree."""

from collections.abc import Sequence
from itertools import combinations, permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau

from annotation.kinds import InvalidLabel
from annotation.kinds.ranking import KIND
from annotation.kinds.ranking.kemeny import settle_rankings
from projects.project_settings import BadSpec

INPUTS = {
    name: {"type": kind}
    for name, kind in (("ask", "text"), ("n", "number"), ("x", "text"), ("y", "text"), ("z", "image"))
}
CHAT = {"ask": {"type": "text"}, "replies": {"type": "conversation"}}
of_inputs = KIND.with_options({"candidates": ["x", "y", "z"]})
of_turns = KIND.with_options({"candidates": ["replies"]})
best_alone = KIND.with_options({"candidates": ["x", "y", "z"], "partial": True})
ITEM = {"x": "one", "y": "two", "z": {"media": "f" * 64, "width": 2, "height": 2}}
orders = st.permutations("abcd").flatmap(lambda order: st.integers(1, 4).map(lambda n: order[:n]))


def turns(*ids: Any) -> list[dict[str, Any]]:
    return [{"role": "assistant", "content": f"Reply {n}", "id": one} for n, one in enumerate(ids)]


@pytest.mark.parametrize(
    ("inputs", "options", "candidates"),
    [
        (INPUTS, {}, ["x", "y", "z"]),
        (INPUTS, {"candidates": ["z", "ask"]}, ["z", "ask"]),
        (CHAT, {}, ["replies"]),
        ({"x": {"type": "text"}, "y": {"type": "text"}}, {}, ["x", "y"]),
    ],
)
def test_what_stands_behind_the_question_is_ranked_unless_others_are_named(
    inputs: Any, options: Any, candidates: list[str]
) -> None:
    assert KIND.complete_options(options, inputs) == {"candidates": candidates, "partial": False}


@pytest.mark.parametrize("candidates", [["x"], ["x", "x"], ["x", "n"], ["x", "gone"]])
def test_what_cannot_be_ranked_is_refused(candidates: list[str]) -> None:
    with pytest.raises(BadSpec, match="takes 2 to 20 inputs of type text, conversation or image, or one conversation"):
        KIND.complete_options({"candidates": candidates}, INPUTS)


def test_a_project_with_one_text_has_nothing_to_rank() -> None:
    with pytest.raises(BadSpec, match="or one conversation"):
        KIND.complete_options({}, {"ask": {"type": "text"}})


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("x", "A list of 1 to 20 ids"),
        ([], "A list of 1 to 20 ids"),
        (["x", 2], "A list of 1 to 20 ids"),
        ([str(n) for n in range(21)], "A list of 1 to 20 ids"),
        (["x", "y", "x"], '"x" stands in the ranking twice'),
        (["x", "q", "y", "z"], '"q" is not one of the candidates: x, y, z.'),
        (["x", "z"], '"y" is not ranked.'),
    ],
)
def test_anything_else_is_refused_in_words(value: object, said: str) -> None:
    with pytest.raises(InvalidLabel, match=said):
        of_inputs.validate_for(value, [], ITEM)


def test_the_best_ones_alone_are_an_answer_where_the_project_says_so() -> None:
    assert best_alone.validate_for(["z"], [], ITEM) == ["z"]
    assert best_alone.misfit(["q"], ITEM) == '"q" is not one of the candidates: x, y, z.'


def test_an_input_that_an_item_lacks_is_no_candidate() -> None:
    assert of_inputs.misfit(["y", "x"], {"x": "one", "y": "two", "z": None}) is None


@pytest.mark.parametrize(
    ("given", "ids"),
    [
        (turns("mdn", "blog"), ["mdn", "blog"]),
        (turns("mdn", "mdn"), ["1", "2"]),
        (turns("mdn", None, 4), ["1", "2", "3"]),
    ],
)
def test_turns_are_called_by_their_own_ids_else_by_their_places(given: Any, ids: list[str]) -> None:
    inputs = {"ask": "?", "replies": given}
    assert [one for one, _ in of_turns.candidates(inputs)] == ids
    assert of_turns.about(inputs)[0] == {"id": ids[0], "words": "Reply 0"}
    assert of_turns.misfit(ids[::-1], inputs) is None
    assert of_turns.describe(ids, []) == ", ".join(ids)


def test_more_turns_than_a_person_can_order_are_refused() -> None:
    inputs = {"replies": turns(*map(str, range(21)))}
    assert of_turns.misfit(["1"], inputs) == "The item has 21 candidates; at most 20 are ranked."
    assert len(of_turns.about(inputs)) == 20
    assert of_turns.misfit(["1"], {"replies": "no conversation"}) == '"1" is not one of the candidates: .'


def test_inputs_go_by_letters_for_their_names_may_say_who_wrote_them() -> None:
    assert of_inputs.describe(["z", "x", "y"], []) == "C, A, B"
    assert of_inputs.describe_beside(["z", "x", "y"], [], ITEM) == "z, x, y"


@pytest.mark.parametrize(
    ("votes", "settled"),
    [
        ([], None),
        (["abc"], "abc"),
        (["abc", "abc"], "abc"),
        (["abc", "acb"], None),  # one vote against one
        (["abc", "acb", "abc"], "abc"),
        (["abc", "bca", "cab"], None),  # each before the next: three orders are as good
        (["abc", "bca", "cab", "abc", "abc"], "abc"),
        (["abcd", "bcad", "cabd", "abcd"], "abcd"),  # a pair of two against two does not stand side by side
        (["ab", "a", "b"], "ab"),  # whom a vote does not name stands behind
        (["ab", "ab", "b"], "ab"),
        (["a", "b", "c"], None),
    ],
)
def test_votes_settle_where_one_order_contradicts_the_fewest_pairs(votes: list[str], settled: str | None) -> None:
    found = KIND.resolve([list(vote) for vote in votes])
    assert (found.value if found else None) == (list(settled) if settled else None)


def contradicted(order: Sequence[str], votes: Sequence[Sequence[str]]) -> int:
    return sum(vote.index(a) > vote.index(b) for vote in votes for a, b in combinations(order, 2))


@given(st.lists(st.permutations("abcde"), min_size=1, max_size=5))
@settings(max_examples=40, deadline=None)
def test_what_settles_is_the_only_best_of_all_orders(votes: list[list[str]]) -> None:
    costs = {order: contradicted(order, votes) for order in permutations("abcde")}
    best = [list(order) for order, cost in costs.items() if cost == min(costs.values())]
    assert settle_rankings(votes) == (best[0] if len(best) == 1 else None)


def test_many_candidates_settle_where_the_majorities_are_an_order() -> None:
    ids = [f"c{n}" for n in range(20)]
    swapped = [ids[1], ids[0], *ids[2:]]
    assert settle_rankings([ids, swapped, ids]) == ids
    assert settle_rankings([ids, [*ids[7:], *ids[:7]], [*ids[14:], *ids[:14]]]) is None  # in a circle


@given(st.permutations("abcdef"))
def test_the_score_of_whole_rankings_is_kendall_s_tau_from_0_to_1(order: list[str]) -> None:
    tau = kendalltau([*range(6)], [order.index(one) for one in "abcdef"]).statistic
    assert KIND.score(list("abcdef"), order) == pytest.approx((1 + tau) / 2)


@given(orders, orders)
def test_the_score_is_the_same_both_ways(one: list[str], other: list[str]) -> None:
    assert KIND.score(one, other) == KIND.score(other, one)
    assert 0 <= KIND.score(one, other) <= 1
    assert KIND.score(one, one) == 1


@pytest.mark.parametrize(
    ("one", "other", "score"), [("a", "a", 1), ("a", "b", 0), ("ab", "a", 1), ("abc", "a", (1 + 1 + 0.5) / 3)]
)
def test_partial_rankings_put_behind_whom_they_do_not_name(one: str, other: str, score: float) -> None:
    assert KIND.score(list(one), list(other)) == pytest.approx(score)


def test_a_reviewers_form_takes_json_alone() -> None:
    assert KIND.parse_form({"value": '["y", "x"]'}) == ["y", "x"]
    with pytest.raises(InvalidLabel, match="Choose whose ranking is right"):
        KIND.parse_form({"value": ""})
