"""What `--help` says: every command, every option in a group, and every name that an option takes."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest

from latentwalk.app import commands
from latentwalk.app.cli import COMMANDS, GROUPS
from latentwalk.data.corruption import CorruptionKind
from latentwalk.latent.samplers import KINDS as SAMPLERS
from latentwalk.models.likelihood import LikelihoodKind
from latentwalk.models.prior import PRIORS
from latentwalk.models.recipes import RECIPES
from latentwalk.networks.build import NetworkKind
from latentwalk.training.optimise import LearningSchedule, OptimizerName


def paragraph(said: str, start: str) -> set[str]:
    """The names in the part of a help that begins with `start` and goes to the next option, sentence or empty line."""
    found = re.search(rf"{re.escape(start)}(.*?)(\.\s|\n\s*\n|\n\s*--)", said, re.DOTALL)
    assert found, f"the help does not say {start!r}"
    return set(re.findall(r"[a-z0-9-]+", found[1]))


def test_every_file_of_the_folder_is_a_command_and_none_is_left_out() -> None:
    files = {path.stem for path in Path(commands.__file__).parent.glob("*.py")} - {"__init__"}
    assert set(COMMANDS) == files
    assert len(COMMANDS) == len(set(COMMANDS))


def test_the_list_of_commands_is_in_groups(call: Any) -> None:
    said = call("--help")
    lines = said.splitlines()
    starts = [lines.index(f"{group}:") for group in GROUPS]
    assert starts == sorted(starts)
    for (group, words), start in zip(GROUPS.items(), starts, strict=True):
        block = said.split(f"{group}:\n")[1].split("\n\n")[0]
        assert re.findall(r"^  ([a-z]+)", block, re.MULTILINE) == list(words), f"line {start}"


def test_options_of_fit_are_in_panels(call: Any) -> None:
    said = call("fit", "--help")
    where = [
        said.index(f"\n{panel}:\n") for panel in ("Arguments", "Data", "Model", "Training", "Machine", "Output", "Options")
    ]
    assert where == sorted(where)
    assert said.split("\nOptions:\n")[1].split() == ["-h,", "--help", "Show", "this", "message", "and", "exit."]


@pytest.mark.parametrize("word", COMMANDS)
def test_every_command_says_what_it_does_and_has_an_example(call: Any, word: str) -> None:
    said = call(word, "--help")
    assert re.search(r"\n\n  [A-Z][^\n]+", said)
    assert f"    latentwalk {word}" in said


@pytest.mark.parametrize(
    ("start", "names"),
    [
        ("Recipes:", set(RECIPES)),
        ("Likelihoods:", {*get_args(LikelihoodKind), "for", "tables", "also", "texts", "and", "music", "sounds"}),
        ("Noise:", set(get_args(CorruptionKind))),
        ("--network NAME", set(get_args(NetworkKind))),
        ("--optimizer NAME", set(get_args(OptimizerName))),
        ("--prior NAME", set(PRIORS)),
    ],
)
def test_the_help_of_fit_names_them_all(call: Any, start: str, names: set[str]) -> None:
    assert paragraph(call("fit", "--help"), start) == names


def test_the_help_names_schedules_and_samplers(call: Any) -> None:
    for word, names in (("fit", get_args(LearningSchedule)), ("complete", SAMPLERS), ("sample", SAMPLERS)):
        said = call(word, "--help")
        assert all(re.search(rf"\b{name}\b", said) for name in names)
