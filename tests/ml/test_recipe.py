"""What makes two versions two recipes, and what does not."""

from __future__ import annotations

from typing import Any

from ml.params import Params
from ml.recipe import recipe


def changed(params: Params, block: str, **values: Any) -> Params:
    return params.model_copy(update={block: getattr(params, block).model_copy(update=values)})


def test_a_recipe_is_the_model_and_what_it_is_learnt_with(made):
    params = made.small_params()
    same = changed(changed(params, "promotion", margin=0.5), "evaluation", report_days=5)
    other = {name: dict(block) for name, block in params.models.items()}
    other["naive_week"] = {"unused": 1}
    assert recipe(same, "combination") == recipe(params, "combination")
    assert recipe(params.model_copy(update={"models": other}), "combination") == recipe(params, "combination")
    other["lightgbm_direct"]["n_trees"] = 7
    fewer = params.model_copy(update={"models": other})
    assert recipe(fewer, "combination") != recipe(params, "combination"), "its member is learnt otherwise"
    assert recipe(fewer, "naive_last") == recipe(params, "naive_last")
    assert recipe(changed(params, "training", seed=99), "naive_last") != recipe(params, "naive_last")
    assert recipe(params, "prophet") is None


def test_who_is_promoted_is_no_part_of_what_a_model_is(made):
    params = made.small_params()
    assert changed(params, "promotion", policy="manual", alpha=0.01).fingerprint() == params.fingerprint()
