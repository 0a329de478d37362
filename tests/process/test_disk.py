"""What a run is switches in one moment: killed, refused, or read while it is written, the old one or the new one is whole."""

import importlib.util
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from latentwalk import Autoencoder, ConfigError, Network
from latentwalk.app.cli import app
from latentwalk.app.run import Run
from latentwalk.files import PART, atomically, clear_parts, write_atomically
from latentwalk.training.checkpoints import locked
from latentwalk.training.group import first_here, told_rank

ROOT = Path(__file__).resolve().parents[2]
X = np.random.default_rng(0).normal(size=(60, 3))
SMALL: dict[str, Any] = {"epochs": 1, "progress": False, "network": Network("dense", widths=(8,))}


@pytest.fixture(scope="module")
def crashes() -> Any:
    spec = importlib.util.spec_from_file_location("crashes", ROOT / "benchmarks" / "crashes.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["crashes"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def call() -> Any:
    """A command, word by word; what it said, once its exit code was seen to be `code`."""

    def call(*words: object, code: int = 0) -> str:
        result = CliRunner().invoke(app, [str(word) for word in words])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result.output

    return call


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("crash")
    rows = "".join(",".join(f"{x:.4f}" for x in row) + "\n" for row in X)
    (folder / "table.csv").write_text("a,b,c\n" + rows)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("way", ["dies", "is_full"])
def test_wherever_a_replacing_fit_dies_the_old_or_the_new_is_whole_and_it_goes_on(crashes, base, way):
    operations, tried, wrong = crashes.tried("fit", crashes.CASES["fit --force"], base, 2, getattr(crashes, way))
    assert (operations > 20, tried, wrong) == (True, 2, [])


def command(*words: object, env: dict[str, str] | None = None, **options: Any) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | (env or {})
    words = (sys.executable, "-m", "latentwalk", *map(str, words))
    return subprocess.run(words, env=environment, check=False, text=True, **({"capture_output": True} | options))


def test_a_fit_that_is_refused_touches_nothing(base, call, tmp_path):
    run = tmp_path / "run"
    call("fit", base / "table.csv", "--epochs", 1, "--out", run)
    ready, go = threading.Event(), threading.Event()

    def train() -> None:
        with locked(run):
            ready.set()
            go.wait()

    thread = threading.Thread(target=train)
    thread.start()
    ready.wait()
    before = content(run)
    for words in (("--force", "--epochs", 2), ("--resume", "--epochs", 3)):
        assert "another process trains in" in call("fit", base / "table.csv", "--out", run, *words, code=1)
    after = content(run)
    go.set()
    thread.join()
    assert before == after


def test_killed_before_the_model_was_saved_going_on_saves_it(base, call, tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    run = tmp_path / "run"
    call("fit", base / "table.csv", "--epochs", 1, "--out", run)
    with monkeypatch.context() as patch:
        patch.setattr(Run, "save", killed)
        with pytest.raises(Killed):
            call("fit", base / "table.csv", "--out", run, "--resume", "--epochs", 3)
    assert len(Autoencoder.load(run).history_) == 1
    assert Run.open(run).epochs == 1  # the old model is described as it was
    call("fit", base / "table.csv", "--out", run, "--resume", "--epochs", 3)
    assert len(Autoencoder.load(run).history_) == 3
    assert "nothing is left" in call("fit", base / "table.csv", "--out", run, "--resume", "--epochs", 3)


def test_a_model_saved_over_a_run_is_not_described_as_what_was_there(base, call, tmp_path):
    run = tmp_path / "run"
    call("fit", base / "table.csv", "--epochs", 1, "--out", run)
    assert Run.open(run).source is not None
    Autoencoder(random_state=5, **SMALL).fit(X).save(run)
    assert Run.open(run).source is None


def test_two_save_and_two_read_and_each_reads_a_whole_model(tmp_path):
    models = [Autoencoder(latent=latent, random_state=0, **SMALL).fit(X) for latent in (2, 3)]
    known = {latent: model.transform(X) for latent, model in zip((2, 3), models, strict=True)}
    models[0].save(tmp_path)
    left = threading.Event()

    def save(model: Autoencoder) -> None:
        for _ in range(25):
            model.save(tmp_path)

    def read(_: int) -> int:
        count = 0
        while not left.is_set():
            codes = Autoencoder.load(tmp_path).transform(X)
            np.testing.assert_array_equal(codes, known[codes.shape[1]])
            count += 1
        return count

    with ThreadPoolExecutor(4) as pool:
        reading = [pool.submit(read, number) for number in range(2)]
        for one in [pool.submit(save, model) for model in models]:
            one.result()
        left.set()
        assert all(one.result() > 0 for one in reading)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.skipif(os.name != "posix", reason="locks of POSIX")
def test_unfinished_files_of_the_dead_are_cleared_and_those_of_the_living_stay(tmp_path, monkeypatch):
    (tmp_path / f".model.json-abc{PART}").write_bytes(b"half")
    seen: list[list[str]] = []

    def looked(handle: int) -> None:
        clear_parts(tmp_path)
        seen.append([path.name for path in tmp_path.iterdir()])

    monkeypatch.setattr(os, "fsync", looked)
    write_atomically(tmp_path / "new", b"whole")
    assert len(seen[0]) == 1 and seen[0][0].startswith(".new-")
    assert content(tmp_path) == {"new": b"whole"}


@pytest.mark.skipif(os.name != "posix", reason="links of POSIX")
@pytest.mark.parametrize("kind", ["file", "dangling", "chain"])
def test_a_link_stays_and_what_it_points_to_is_replaced(tmp_path, kind):
    there, link = tmp_path / "far" / "there", tmp_path / "link"
    there.parent.mkdir()
    if kind == "file":
        there.write_bytes(b"old")
    (tmp_path / "between").symlink_to("far/there")
    link.symlink_to("between" if kind == "chain" else "far/there")
    write_atomically(link, b"new")
    assert link.is_symlink() and not there.is_symlink() and there.read_bytes() == link.read_bytes() == b"new"
    with pytest.raises(TypeError), atomically(link) as file:
        file.write("no bytes")  # type: ignore[arg-type]
    assert there.read_bytes() == b"new" and link.is_symlink()
    assert [path.name for path in there.parent.iterdir()] == ["there"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["between", "far", "link"]


@pytest.mark.skipif(os.name != "posix", reason="links of POSIX")
def test_no_file_is_put_in_place_of_a_pipe_or_a_loop(tmp_path):
    loop, lost, pipe, link = (tmp_path / name for name in ("loop", "lost", "pipe", "link"))
    loop.symlink_to("loop")
    lost.symlink_to("nowhere/file")
    os.mkfifo(pipe)
    link.symlink_to("pipe")
    for path, said in ((loop, "leads back to itself"), (lost, "a folder that does not exist"), (pipe, "pipe"), (link, "pipe")):
        with pytest.raises(OSError, match=said):
            write_atomically(path, b"new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "loop", "lost", "pipe"]
    assert not pipe.is_file() and all(path.is_symlink() for path in (loop, lost, link))


# ---------------------------------------------------------------------- the rest of the machine


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"RANK": "1"}, "RANK=1 is set in the environment, and WORLD_SIZE is not"),
        ({"WORLD_SIZE": "2"}, "WORLD_SIZE=2 is set in the environment, and RANK is not"),
        ({"WORLD_SIZE": "two", "RANK": "0"}, "WORLD_SIZE='two' in the environment: expected a whole number, at least 1"),
        ({"WORLD_SIZE": "0", "RANK": "0"}, "WORLD_SIZE='0'"),
        ({"WORLD_SIZE": "2", "RANK": "-1"}, "RANK='-1'"),
        ({"WORLD_SIZE": "2", "RANK": "2"}, "expected 0 to 1"),
        ({"WORLD_SIZE": "²", "RANK": "0"}, "WORLD_SIZE='²'"),
    ],
)
def test_what_torchrun_never_says_is_refused(said, message, monkeypatch):
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    assert told_rank() == (0, 1)
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=message):
        first_here()
    with pytest.raises(ConfigError, match=message):
        Autoencoder(random_state=0, **SMALL).fit(X)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_output_is_said_in_a_line():
    with open("/dev/full", "w") as full:
        done = command("data", stdout=full, stderr=subprocess.PIPE, capture_output=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "No space left on device" in done.stderr


def test_no_memory_as_pytorch_says_it_is_a_line(base, call, tmp_path, monkeypatch):
    def fit(*_: Any, **__: Any) -> None:
        raise RuntimeError(
            "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried"
        )

    monkeypatch.setattr(Autoencoder, "fit", fit)
    assert "\nerror: out of memory" in call("fit", base / "table.csv", "--out", tmp_path / "run", code=1)
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
@pytest.mark.parametrize("kind", ["pipe", "device", "user"])
def test_a_data_folder_that_holds_no_files_is_refused_at_once(kind, tmp_path, call, monkeypatch):
    place = tmp_path / "train-images-idx3-ubyte.gz"
    if kind == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to("/dev/zero")
    monkeypatch.setenv("LATENTWALK_DATA", "~nosuchuser/x" if kind == "user" else str(tmp_path))
    monkeypatch.setattr("latentwalk.data.catalog.MIRRORS", {"mnist": ()})
    told = call("fit", "mnist", "--out", tmp_path / "run", code=2)
    assert "names no folder" in told if kind == "user" else "a folder, pipe or device where a file is expected" in told


def test_a_run_replaced_by_a_file_is_said_in_a_line(base, call, tmp_path):
    (tmp_path / "run").write_text("a file")
    for words in (("fit", base / "table.csv", "--out"), ("report",)):
        told = call(*words, tmp_path / "run", code=1 if words[0] == "fit" else 2)
        assert told.splitlines()[-1].startswith("error: ") and told.count("error") == 1


def test_what_a_run_is_goes_with_its_model_and_its_checkpoint(base, call, tmp_path):
    run = tmp_path / "run"
    call("fit", base / "table.csv", "--epochs", 1, "--out", run)
    source = Run.open(run).source
    (run / "run.json").unlink()
    assert source is not None and source == Run.open(run).source == Run.unfinished(run)[0].source
