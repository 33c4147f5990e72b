"""The form is made from the params."""

from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from jobs.web.forms import ParamsForm, form_url
from ml import registry as ml_registry
from ml.core.operation import Choice, Estimate, FineTuning, Group, Operation, Option, Params, Slot
from ml.super_resolution import operation as super_resolution

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


class ManyParams(Params):
    method: str = Choice("a", {"a": Option("First", "Quick"), "b": Option("Second", "Slow")}, title="Method")
    scale: int = 2
    strength: float = FineTuning(0.5, title="Strength", ge=0, le=1, unit="%")
    sigma: float | None = FineTuning(None, title="Sigma", ge=0, le=75)
    keep: bool = FineTuning(True, title="Keep")


def operation(params: type[Params] = ManyParams, random: bool = False) -> Operation:
    return Operation(
        slug="many", title="Many", summary="", group=Group.EDIT, inputs=(Slot(name="image", title="Picture"),), params=params,
        estimate=lambda params, inputs: Estimate(1, 1, 1), run="nowhere:run", random=random,
    )  # fmt: skip


def form(sent: str, **options: Any) -> ParamsForm:
    return ParamsForm(operation(**options), QueryDict(sent))


def test_bounds_make_a_slider_and_their_absence_a_number() -> None:
    fields = ParamsForm(operation()).fields
    assert fields["strength"].control.kind == "range"
    assert fields["strength"].control.step == "0.01"
    assert fields["strength"].control.default_percent == 50
    assert fields["scale"].control.kind == "number"
    assert fields["keep"].control.kind == "switch"


def test_what_params_refuse_the_form_refuses_at_the_field() -> None:
    refused = form("scale=2&strength=7")
    assert not refused.is_valid()
    assert list(refused.errors) == ["strength"]
    assert "less than or equal to 1" in refused.errors["strength"][0]


def test_an_optional_number_left_empty_is_none_and_others_are_at_their_default() -> None:
    sent = form("scale=&strength=&sigma=&keep=True")
    assert sent.is_valid(), sent.errors
    assert sent.params.model_dump() == ManyParams().model_dump()


def test_a_switch_that_is_not_sent_is_off() -> None:
    sent = form("scale=2")
    assert sent.is_valid()
    assert sent.params.model_dump()["keep"] is False


def test_a_choice_among_numbers_is_a_number() -> None:
    chosen = ParamsForm(super_resolution, QueryDict("scale=3&method=bicubic"))
    assert chosen.is_valid(), chosen.errors
    assert chosen.params.model_dump()["scale"] == 3


class TieredParams(Params):
    method: Literal["plain", "best", "old", "bold", "all"] = Choice(
        "best",
        {
            "best": Option("Natural", "For most", group="Natural"),
            "bold": Option("Bold", "For few", group="Bold"),
            "all": Option("All"),
            "old": Option("Old", group="Bold"),
            "plain": Option("Plain", group="Natural"),
        },
        title="Method",
    )


def test_the_first_of_each_group_leads_and_the_others_are_folded() -> None:
    control = ParamsForm(operation(TieredParams)).fields["method"].control
    assert control.kind == "tiers"
    assert [option.value for option in control.leading] == ["best", "bold"]
    assert [option.value for option in control.folded] == ["plain", "old", "all"]


def test_methods_stand_in_three_tiers_and_more_is_folded_away(client: Client, real_operations: None) -> None:
    address = reverse("new-job", args=[super_resolution.slug])
    page = client.get(address).content.decode()
    method = page[page.index("<legend>Method</legend>") : page.index("</fieldset>")]
    leading, folded = method.split("<details")
    for title in ("Natural", "True to the picture", "Invented detail"):
        assert f'<span class="option-title">{title}</span>' in leading
    assert leading.count('type="radio"') == 3
    assert leading.count('type="radio"') + folded.count('type="radio"') == len(super_resolution.methods)
    assert folded.startswith(' class="fold">')
    assert "More methods" in folded
    assert '<details class="fold" open>' in client.get(f"{address}?method=fsrcnn").content.decode()


def test_a_slider_moves_in_the_steps_that_were_declared() -> None:
    control = ParamsForm(super_resolution).fields["scale"].control
    assert (control.kind, control.minimum, control.maximum, control.step) == ("range", 1.5, 8, "0.1")


def test_a_size_that_does_not_apply_is_put_away() -> None:
    fields = ParamsForm(super_resolution).fields
    assert {name: field.control.condition for name, field in fields.items() if field.control.condition} == {
        "scale": "size=scale",
        "width": "size=width",
        "print_width": "size=print",
        "print_height": "size=print",
    }


def test_a_seed_is_asked_for_where_the_operation_draws_at_random() -> None:
    assert form("seed=7", random=True).is_valid()
    assert not form("seed=-7", random=True).is_valid()
    assert "seed" not in form("").fields


@pytest.mark.sampled(2)
@pytest.mark.parametrize("found", ml_registry.registry().all(), ids=lambda found: found.slug)
def test_every_operation_has_a_form_whose_defaults_are_valid(
    found: Operation, client: Client, real_operations: None
) -> None:
    response = client.get(reverse("new-job", args=[found.slug]))
    assert response.status_code == 200
    fields = response.context["form"]
    sent = QueryDict(mutable=True)
    for bound in fields:
        value = bound.value()
        if isinstance(value, list | tuple):
            sent.setlist(bound.html_name, [str(item) for item in value])
        elif value is not None and value is not False:
            sent[bound.html_name] = str(value)
    again = ParamsForm(found, sent)
    assert again.is_valid(), again.errors
    assert again.params == found.params()


def test_the_address_of_a_form_brings_its_settings_back() -> None:
    url = form_url(
        "many", {"method": "b", "scale": 3, "strength": 0.25, "sigma": None, "keep": False}, {}, seed=5
    )
    query = parse_qs(urlsplit(url).query)
    assert query == {"method": ["b"], "scale": ["3"], "strength": ["0.25"], "seed": ["5"], "again": ["1"]}
