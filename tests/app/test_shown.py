"""What a terminal is shown of names that others gave: never a control character, whichever command prints it."""

import ast
import csv
import re
import subprocess
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import latentwalk
from latentwalk.app.cli import app
from latentwalk.app.output import show, word
from latentwalk.errors import DataError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.plain import plain

pytestmark = pytest.mark.usefixtures("quick")
RED, BOLD, COLUMN = "\x1b[31mred\x07[/b]", "<b>\x9b2J$x^{", "to\x1b]0;wn\u202e\x08"
FILE = "a\x1b[2J\r\nb\u202e.csv"
HIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]")


def said(*words: object, code: int = 0) -> str:
    """All that a command prints, once its exit code was seen to be `code`."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table whose file, columns and classes have names that a terminal would obey."""
    pytest.importorskip("pandas")
    folder = tmp_path_factory.mktemp("hostile")
    rng = np.random.default_rng(0)
    with (folder / FILE).open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["a\x1b[1m", "b", COLUMN, "class"])
        for row in range(640):
            rows.writerow(
                [
                    rng.normal(3 * (row % 2)),
                    rng.normal() if row else "",
                    ["Ul\x1b[0mm", "Bern"][row // 2 % 2],
                    [RED, BOLD][row % 2],
                ]
            )
    return folder


@pytest.fixture(scope="module")
def fitted(hostile: Path) -> Path:
    """A run of that table, in a folder of such a name."""
    text = said("fit", hostile / FILE, "--label", "class", "--out", hostile / "run\x1b[1m", "--epochs", 1)
    assert r"\x1b[31mred\x07" in text and r"a\x1b[2J\r" in text and not HIDDEN.search(text)
    return hostile / "run\x1b[1m"


GOOD: list[tuple[Any, ...]] = [
    ("inspect", "RUN"),
    ("walk", "RUN", "--from", RED, "--to", BOLD),
    ("blend", "RUN", RED, BOLD),
    ("swap", "RUN", RED, BOLD, "--axes", "1"),
    ("graft", "RUN", "row:0", "--attribute", RED),
    ("sample", "RUN", "-n", 2),
    ("encode", "RUN", "DATA"),
    ("reconstruct", "RUN", "DATA"),
    ("impute", "RUN", "DATA", "--out", "OUT\x1b.csv"),
    ("denoise", "RUN", "DATA", "OUT\x1bd.csv"),
    ("anomalies", "DATA", "--epochs", 1, "--out", "OUT\x1ba.csv"),
    ("reduce", "DATA", "-d", 1, "--epochs", 1, "--out", "OUT\x1br.csv"),
]
BAD: list[tuple[Any, ...]] = [
    ("walk", "RUN", "--from", "\x1b[2J", "--to", BOLD),
    ("sample", "RUN", "--source", "\x1b[2J"),
    ("encode", "RUN", "DATA", "--out", "x\x1b.txt"),
    ("export", "RUN\x1b"),
    ("fit", "DATA", "--label", "\x1b[2J", "--out", "OUT"),
    ("fit", "DATA", "--drop", "\x1b[2J", "--out", "OUT"),
    ("fit", "DATA", "--label", "class", "--out", "RUN"),
    ("fit", "no\x1b[2J", "--out", "OUT"),
    ("fit", "DATA", "--out", "OUT", "--recipe", "\x1b[2J"),
    ("fit", "DATA", "--out", "OUT", "--latent", "\x1b[2J"),
    ("fit", "DATA", "--\x1b[2J"),
    ("fit", "DATA", "\x1b[2J", "--out", "OUT"),
    ("wa\x1b[2Jlk",),
    ("--\x1b[2J",),
    ("inspect", "RUN\x1b"),
    ("report", "no\x1b[2J\r"),
]


@pytest.mark.parametrize(("words", "code"), [(words, 0) for words in GOOD] + [(words, 2) for words in BAD])
def test_no_name_moves_the_terminal(hostile: Path, fitted: Path, tmp_path: Path, words: tuple[Any, ...], code: int) -> None:
    places = {"RUN": str(fitted), "DATA": str(hostile / FILE), "OUT": str(tmp_path / "out")}
    text = said(*(re.sub("^(RUN|DATA|OUT)", lambda found: places[found[0]], str(word)) for word in words), code=code)
    assert text and not HIDDEN.search(text), text


def test_a_warning_is_shown_so_too(hostile: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fitted(*_: Any, **__: Any) -> None:
        warnings.warn("\x1b[2J", UserWarning, stacklevel=1)
        raise DataError("\x1b[2J")

    monkeypatch.setattr(Autoencoder, "fit", fitted)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        text = said("fit", hostile / FILE, "--out", tmp_path / "r", code=2)
    assert "warning: \\x1b[2J\nerror: \\x1b[2J" in text


def test_a_table_shows_brackets_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    show(["[b]x[/b]\x1b"], [["[/]:smile:\x07"]])
    assert {r"[b]x[/b]\x1b", r"[/]:smile:\x07"} <= set(capsys.readouterr().out.split())


def test_what_is_no_letter_is_written_out_and_all_else_stays() -> None:
    every = "".join(map(chr, [*range(0xD7FF), *range(0xE000, 0x110000)]))
    shown = plain(every)
    assert not HIDDEN.search(shown)
    assert plain(shown) == shown and "\n" in shown
    letters = "".join(one for one in every if one.isprintable() or one in "\n\u200d\xad")
    assert plain(letters) == letters
    plain("\udcff\ud83d").encode()


@pytest.mark.parametrize("name", ["$(touch x)", "`touch x`", "a'b\"c", "a!b", "a\\", "it's $HOME", "a b", "7", ""])
def test_a_shell_reads_a_name_in_a_command_as_it_is(name: str) -> None:
    assert subprocess.run(["sh", "-c", f"printf %s {word(name)}"], capture_output=True, text=True).stdout == name


def test_nothing_else_prints() -> None:
    called = re.compile(r"(^|[.])(echo|secho|print)$|^sys[.]std(out|err)[.]write$")
    doors = ("output.py", "progress.py")  # both say what `plain` lets through
    for path in Path(latentwalk.__file__).parent.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if re.search(r"echo|print\(|write\(", text) else ():
            assert path.name in doors or not (isinstance(node, ast.Call) and called.search(ast.unparse(node.func))), (
                f"{path}, line {node.lineno}: text is printed by say, note, fault and show of app.output"
            )
