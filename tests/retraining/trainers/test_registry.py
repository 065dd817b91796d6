"""A trainer is one module: a project that names it gets its runs fitted by it, up to a version that serves."""

from collections.abc import Iterator

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse

from projects.models import Project, Role
from projects.project_settings import BadSpec, RetrainingSettings, parse
from retraining import registry as versions
from retraining.datasets import Examples
from retraining.learning.fitted import Fitted
from retraining.learning.model_selection import fitting
from retraining.models import RunState
from retraining.trainers import registry
from retraining.trainers.base import Progress, Trainer
from tests.factories import make_user
from tests.retraining.scenarios import do, learn, make_numeric_project, open_run
from validation import InvalidInput


class FirstInputTrainer(Trainer):
    """A trainer of this test: a quick fit on the first input alone."""

    name = "first_input"
    title = "First input only"

    def fit(self, train: Examples, *, seed: int, progress: Progress) -> Fitted:
        if len(train) < 10:
            raise InvalidInput("Ten rows are needed.")
        progress(0.5, "Halfway.")
        columns = {**train.columns, "y": [0.0] * len(train)}
        return fitting.fit(
            columns,
            train.types,
            train.targets,
            classes=train.classes,
            search=fitting.ModelSearch(budget=0.0, seed=seed),
        )


@pytest.fixture
def trainer() -> Iterator[Trainer]:
    yield registry.register(FirstInputTrainer())
    registry.unregister("first_input")


@pytest.fixture
def project(db: None, artifact_home: object) -> Project:
    return make_numeric_project("mail", retraining={"trainer": "first_input"})


def test_every_module_of_the_package_is_found() -> None:
    assert registry.names() == ("here",)


def test_a_run_goes_through_an_added_trainer_to_a_version_that_serves(trainer: Trainer, project: Project) -> None:
    learn(project, 40)
    run = do(open_run(project))
    assert (run.state, run.trainer) == (RunState.SUCCEEDED, "first_input"), run.error
    loaded = versions.load(run.version)
    said = loaded.probabilities({"x": [2.0, 2.0, -2.0], "y": [5.0, -5.0, 0.0]})
    assert said.argmax(axis=1).tolist() == [1, 1, 0] and np.allclose(said[0], said[1], atol=0.05)
    assert run.version.stage == "champion"
    client = Client()
    client.force_login(make_user("ada", project, Role.ENGINEER))
    assert "First input only" in client.get(reverse("retraining:run", args=["mail", 1])).content.decode()


def test_what_it_refuses_ends_the_run_in_its_words(trainer: Trainer, project: Project) -> None:
    learn(project, 4)
    run = do(open_run(project))
    assert (run.state, run.error) == (RunState.FAILED, "Ten rows are needed.")


def test_a_trainer_that_is_gone_ends_the_run_in_words(project: Project) -> None:
    added = registry.register(FirstInputTrainer())
    learn(project, 40)
    run = open_run(project)
    registry.unregister(added.name)
    assert "There is no trainer 'first_input' any more; there are here." in do(run).error


@pytest.mark.parametrize("name", ["webhook", "ml_backend", "first_input"])
def test_what_is_not_built_is_refused(name: str) -> None:
    with pytest.raises(BadSpec, match=f"retraining.trainer is '{name}'; it takes here."):
        parse(RetrainingSettings, "retraining", {"trainer": name})


def test_a_project_without_a_choice_trains_here(db: None) -> None:
    assert registry.of_project(make_numeric_project()).name == "here"
