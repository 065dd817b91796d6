"""Traffic for tests of routing: items of two numbers with a model's scores, captured a minute apart."""

from datetime import datetime, timedelta

import numpy as np

from annotation.models import Item, Prediction
from annotation.routing import audit_draw
from annotation.sampling.uncertainty import entropy, margin
from projects.models import Project
from tests.factories import NOW

NUMBERS = {"a": {"type": "number"}, "b": {"type": "number"}}


def fill(
    project: Project,
    n: int,
    *,
    scored: bool = True,
    shift: float = 0.0,
    seed: int = 0,
    start: datetime = NOW - timedelta(days=2),
    minutes: float = 1.0,
    version: str = "v1",
    segment: dict[str, str] | None = None,
) -> list[Item]:
    """n new items from `start` on; `a` decides the label, and `shift` moves it."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, 2)) + [shift, 0.0]
    moments = [start + timedelta(minutes=minutes * i) for i in range(n)]
    items = [
        Item(
            project=project,
            key=f"{seed}-{shift}-{start.timestamp()}-{i}",
            body_hash="0" * 64,
            inputs={"a": float(a), "b": float(b)},
            contract_version=1,
            segment=segment or {},
            at=moments[i],
            captured_at=moments[i],
        )
        for i, (a, b) in enumerate(values)
    ]
    audit_draw.draw(project, items, at=start)
    Item.objects.bulk_create(items, batch_size=500)
    if scored:
        score(items, 1 / (1 + np.exp(-values[:, 0])), version=version)
    return items


def score(items: list[Item], spam: np.ndarray, *, version: str = "v1") -> None:
    """What a version says of the items: (n,) the probability of the second label."""
    p = np.column_stack([1 - spam, spam])
    measured = zip(items, p, margin(p), entropy(p), strict=True)
    Prediction.objects.bulk_create(
        [
            Prediction(
                project=item.project,
                item=item,
                model_version=version,
                schema_version=1,
                scores=row.astype("<f4").tobytes(),
                label=("ham", "spam")[int(row.argmax())],
                confidence=float(row.max()),
                margin=float(m),
                entropy=float(h),
                at=item.at,
            )
            for item, row, m, h in measured
        ],
        batch_size=500,
    )
