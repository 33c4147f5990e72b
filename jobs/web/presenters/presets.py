"""A preset as a page shows it."""

from dataclasses import dataclass
from functools import cached_property

from django.utils.translation import gettext as _

from jobs.queue.presets import Recipe
from jobs.web.presenters.steps import StepPresenter


def said(recipe: Recipe, text: str) -> str:
    """What came with Latent, in the reader's language; what somebody wrote, as it is."""
    return _(text) if recipe.shipped and text else text


def left_out(recipe: Recipe) -> list[str]:
    return [f"{_(title)}: {name}" for title, name in recipe.left_out]


@dataclass(frozen=True)
class PresetPresenter:
    recipe: Recipe

    @property
    def id(self) -> str:
        return self.recipe.id

    @property
    def name(self) -> str:
        return said(self.recipe, self.recipe.name)

    @property
    def summary(self) -> str:
        return said(self.recipe, self.recipe.summary)

    @cached_property
    def steps(self) -> list[StepPresenter]:
        return [StepPresenter.of(step) for step in self.recipe.steps]

    @property
    def left_out(self) -> list[str]:
        return left_out(self.recipe)
