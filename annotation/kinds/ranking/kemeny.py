"""Rankings compared pair by pair: Kendall's distance, and the ranking that agrees best with several. Pure."""

from collections.abc import Sequence
from itertools import combinations

MOST_EXACT = 8  # candidates up to which cycles among the pairs are resolved exactly

Order = Sequence[str]
Margins = dict[tuple[str, str], int]


def kendall_score(one: Order, other: Order) -> float:
    """The share of the pairs of candidates that both order the same way, 0 to 1; (1 + tau) / 2 of whole rankings.

    Of partial rankings the pairs of those that either names: whom a ranking does not name stands behind those whom it
    names, and a pair that only one of the two orders counts half (Kendall 1938; Fagin, Kumar and Sivakumar 2003, their
    distance with p = 1/2).
    """
    named = list(dict.fromkeys([*one, *other]))
    pairs = list(combinations(named, 2))
    places = (_places(one, named), _places(other, named))
    return sum(_agreement_on(pair, *places) for pair in pairs) / len(pairs) if pairs else 1.0


def settle_rankings(votes: Sequence[Order]) -> list[str] | None:
    """The only ranking with the fewest contradicted pairs of the votes (Kemeny 1959; Young and Levenglick 1978), of
    the candidates that more than half of the votes name.

    None where several are as good, where nobody is named by so many, and where the majorities of more than
    `MOST_EXACT` candidates go in a circle.
    """
    named = [one for one in dict.fromkeys(one for vote in votes for one in vote) if _is_of_most(one, votes)]
    margins = _margins(named, votes)
    order = None if 0 in margins.values() else _by_majorities(named, margins)
    if order is None and len(named) <= MOST_EXACT:
        order = _kemeny(named, margins)
    return order or None


def _is_of_most(one: str, votes: Sequence[Order]) -> bool:
    return 2 * sum(one in vote for vote in votes) > len(votes)


def _places(order: Order, named: Order) -> dict[str, int]:
    """The place of each; behind all others, and equal, what the order does not name."""
    places = {one: place for place, one in enumerate(order)}
    return {one: places.get(one, len(order)) for one in named}


def _agreement_on(pair: tuple[str, str], one: dict[str, int], other: dict[str, int]) -> float:
    first, second = (
        (places[pair[0]] > places[pair[1]]) - (places[pair[0]] < places[pair[1]]) for places in (one, other)
    )
    return 0.5 if not first or not second else float(first == second)


def _margins(named: Order, votes: Sequence[Order]) -> Margins:
    """For each ordered pair, how many more votes place the first before the second than the other way round."""
    margins: Margins = dict.fromkeys(((a, b) for a in named for b in named if a != b), 0)
    for vote in votes:
        places = _places(vote, named)
        for a, b in margins:
            margins[a, b] += (places[a] < places[b]) - (places[a] > places[b])
    return margins


def _by_majorities(named: Order, margins: Margins) -> list[str] | None:
    """The order in which each is placed before all that come after it by a majority, where there is one."""
    wins = {a: sum(margins[a, b] > 0 for b in named if b != a) for a in named}
    return sorted(named, key=lambda one: -wins[one]) if len(set(wins.values())) == len(named) else None


def _kemeny(named: Order, margins: Margins) -> list[str] | None:
    """The only order with the largest sum of margins, by dynamic programming over which candidates come first."""
    best: dict[frozenset[str], tuple[int, int, tuple[str, ...]]] = {frozenset(): (0, 1, ())}  # sum, orders, one of them
    for size in range(1, len(named) + 1):
        for chosen in combinations(named, size):
            ahead = frozenset(chosen)
            best[ahead] = _best_last(ahead, best, margins)
    _, orders, order = best[frozenset(named)]
    return list(order) if orders == 1 else None


def _best_last(
    ahead: frozenset[str], best: dict[frozenset[str], tuple[int, int, tuple[str, ...]]], margins: Margins
) -> tuple[int, int, tuple[str, ...]]:
    found = []
    for last in ahead:
        total, orders, order = best[ahead - {last}]
        found.append((total + sum(margins[one, last] for one in order), orders, (*order, last)))
    most = max(total for total, _, _ in found)
    among = [one for one in found if one[0] == most]
    return most, sum(orders for _, orders, _ in among), among[0][2]
