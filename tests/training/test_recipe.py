import dataclasses
import subprocess
import sys

import pytest

from recurra.errors import RecurraError
from recurra.training.recipe import read_toml
from recurra.training.values import checked, seconds
from tests.every import Every as Recipe


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90s", 90), ("3m", 180), ("2h", 7200), ("1h30m", 5400), ("1h0m5s", 3605)],
)
def test_durations(text, expected):
    assert seconds(text) == expected
    assert Recipe.of({"max_time": text}).max_time == text


@pytest.mark.parametrize("text", ["", "3", "m", "0s", "-3m", "3 m", "1.5h", "30m1h", "3d", "٣m"])
def test_what_is_no_duration(text):
    with pytest.raises(RecurraError, match="90s, 3m, 2h or 1h30m"):
        seconds(text)
    with pytest.raises(RecurraError, match="max_time: received"):
        Recipe.of({"max_time": text})


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("epochs", 0, "1 or more"),
        ("epochs", 2.0, "whole number"),
        ("epochs", True, "whole number"),
        ("epochs", "3", "whole number"),
        ("patience", -1, "0 or more"),
        ("dropout", 1.0, "from 0 up to but not 1"),
        ("dropout", -0.1, "from 0"),
        ("dropout", float("nan"), "from 0"),
        ("learning_rate", 0, "above 0"),
        ("learning_rate", float("inf"), "above 0"),
        ("learning_rate", 10**400, "above 0"),
        ("learning_rate", -(10**400), "above 0"),
        ("weight_decay", "much", "0 or more"),
        ("top_p", 0.0, "above 0, up to 1"),
        ("time_scale", 1, "2 or more"),
        ("scheduled_sampling", 1.1, "from 0 to 1"),
        ("seed", -1, "from 0"),
        ("cell", "", "not empty"),
        ("cell", None, "not empty"),
        ("data", 3, "not empty"),
        ("pool", "median", "one of last, mean, max, attention"),
        ("pool", ["last"], "one of last"),
        ("precision", "8-bit", "one of 32-true"),
        ("device", "gpu", "auto, cpu, cuda or cuda:N"),
        ("device", "cuda:x", "auto, cpu"),
        ("residual", 1, "true or false"),
        ("resume", "yes", "true or false"),
        ("max_time", 90, "such as 90s"),
    ],
)
def test_bad_value_names_field_value_and_what_is_allowed(name, value, allowed):
    with pytest.raises(RecurraError) as caught:
        Recipe.of({name: value})
    text = str(caught.value)
    assert text.startswith(f"{name}: received {value!r}; allowed is ")
    assert allowed in text
    assert "\n" not in text


def test_check_refuses_a_recipe_made_by_hand():
    with pytest.raises(RecurraError, match="batch_size: received 0"):
        dataclasses.replace(Recipe(), batch_size=0).check()


def test_every_default_is_allowed_and_has_one_line_of_help():
    Recipe().check()
    for field in dataclasses.fields(Recipe):
        assert checked(field, Recipe.hints()[field.name], field.default) == field.default
        assert field.metadata["help"]
        assert "\n" not in field.metadata["help"]


def test_later_mappings_win_and_keys_may_have_dashes():
    recipe = Recipe.of({"epochs": 3, "hidden": 8}, {"epochs": 5, "batch-size": 2})
    assert (recipe.epochs, recipe.hidden, recipe.batch_size) == (5, 8, 2)


def test_whole_numbers_are_real_numbers_too():
    assert type(Recipe.of({"clip": 5}).clip) is float


def test_unknown_key_suggests():
    with pytest.raises(RecurraError, match="'epoch'; did you mean 'epochs'"):
        Recipe.of({"epoch": 3})


def test_toml_there_and_back(tmp_path):
    recipe = Recipe.of(
        {"data": 'a "b"\\c\nü\x7f\x01', "learning_rate": 1e-5, "seed": 2**53 + 1, "residual": True}
    )
    (tmp_path / "recipe.toml").write_text(recipe.to_toml(), encoding="utf-8")
    assert Recipe.of(read_toml(tmp_path / "recipe.toml")) == recipe


@pytest.mark.parametrize(
    "content", [b"epochs = ", b"\xff\xfe", None], ids=["torn", "bytes", "none"]
)
def test_unreadable_toml(tmp_path, content):
    if content is not None:
        (tmp_path / "r.toml").write_bytes(content)
    with pytest.raises(RecurraError, match=r"recipe .*r.toml cannot be read"):
        read_toml(tmp_path / "r.toml")


def test_a_recipe_has_no_tables(tmp_path):
    (tmp_path / "r.toml").write_text("seed = 1\n[model]\nhidden = 8\n")
    with pytest.raises(RecurraError, match=r"flat: .* without the table \[model\]"):
        read_toml(tmp_path / "r.toml")


def test_recipe_is_imported_without_torch():
    code = "import sys, recurra.training.recipe; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
