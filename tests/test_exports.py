"""What `import latentwalk` gives: every promised name, nothing missing, and no wait for PyTorch."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import latentwalk
from latentwalk import errors


@pytest.mark.parametrize("name", latentwalk.__all__)
def test_every_promised_name_is_there(name: str) -> None:
    assert getattr(latentwalk, name) is not None
    assert name in dir(latentwalk)


def test_each_name_is_the_thing_its_home_calls_by_that_name() -> None:
    for name, module in latentwalk._HOME_OF.items():
        home = import_module(module)
        assert name in home.__all__
        assert getattr(latentwalk, name) is getattr(home, name)


def test_type_checkers_see_what_there_is() -> None:
    stub = ast.parse(Path(latentwalk.__file__).with_suffix(".pyi").read_text())
    lines = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    assert [(alias.name, node.module) for node in lines for alias in node.names] == list(latentwalk._HOME_OF.items())
    assert all(alias.asname == alias.name for node in lines for alias in node.names)  # what is handed on, in a stub
    assert {*latentwalk.__all__} == {*latentwalk._HOME_OF, "__version__"}


def test_every_error_is_exported() -> None:
    assert {name for name in errors.__all__ if name.endswith("Error")} <= set(latentwalk.__all__)


def test_no_name_is_promised_twice() -> None:
    assert len(set(latentwalk.__all__)) == len(latentwalk.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Autoencodr"):
        latentwalk.Autoencodr  # noqa: B018


@pytest.mark.parametrize(
    "what",
    [
        "import latentwalk; latentwalk.__version__; latentwalk.TrainingWarning",
        "import latentwalk; latentwalk.Dataset; latentwalk.names",
        "from typer.testing import CliRunner; from latentwalk.app.cli import app; "
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0; "
        "assert CliRunner().invoke(app, ['walk', '--help']).exit_code == 0",
    ],
)
def test_torch_is_not_imported_before_it_is_needed(what: str) -> None:
    heavy = "{'torch', 'sklearn', 'matplotlib', 'scipy', 'rich.console'}"
    done = subprocess.run(
        [sys.executable, "-c", f"{what}; import sys; print(sorted({heavy} & set(sys.modules)))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
