"""Death at every file operation of every command that writes: is what was there, or what is new, whole, and does it go on?

    OMP_NUM_THREADS=1 python benchmarks/crashes.py                the table of results/trust.md
    OMP_NUM_THREADS=1 python benchmarks/crashes.py fit export     these commands; --points 20 tries that many of each, evenly

A child process runs the command; the functions by which Python opens, writes out, renames and deletes files are counted, and
at the n-th the child kills itself before it is done (at `fsync`, with half of the file). Then the folder is looked at: each
model in it loads, is the old one or the new one, and is described as itself; each checkpoint set holds a whole one; what a
reader reads is JSON, a picture or a page. Then the command is run again (with --resume, where it is a training that had begun),
and must end well, with the new model and without unfinished files. The same with a rename that fails once, and, from the n-th
operation on, with a full disk, or with no further file that can be opened.

What takes long and writes nothing (the judgement of completeness) is replaced by a constant.
"""

import argparse
import builtins
import contextlib
import errno
import io
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import latentwalk
from latentwalk.app import cli
from latentwalk.app.run import Run, holds_model
from latentwalk.data.synthetic import faces
from latentwalk.latent.criteria.measure import Measure
from latentwalk.training.checkpoints import holds_checkpoint, newest

OPERATIONS = ("open", "fsync", "replace", "rename", "unlink", "remove", "mkdir", "rmdir", "chmod")
KILLED, LIMIT = -signal.SIGKILL, 240.0
HARD = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
Words = Sequence[object]


@dataclass(frozen=True)
class Case:
    """A command. before: run in the folder first. words: the command. again: how it is gone on with; the same, if None."""

    words: Words
    before: Sequence[Words] = ()
    again: Words | None = None
    resumes: bool = False  # a training, gone on with by --resume where it has begun
    made: Sequence[str] = field(default=())  # files that are there at the end


FIT = ("fit", "table.csv", "--epochs", 1, "--out", "run", "--network", "dense", "--seed")
OLD = (*FIT, 1)
CASES: dict[str, Case] = {
    "fit": Case((*FIT, 2), resumes=True, made=("run/model.json", "run/run.json")),
    "fit --force": Case((*FIT, 2, "--force"), (OLD,), resumes=True, made=("run/model.json", "run/run.json")),
    "fit --resume": Case(
        ("fit", "table.csv", "--out", "run", "--resume", "--epochs", 2), (OLD,), made=("run/model.json", "run/run.json")
    ),
    "complete": Case(("complete", "run", "--sampler", "gaussian"), (OLD,), made=("run/model.json",)),
    "export": Case(("export", "run"), (OLD,), made=("run/encoder.onnx", "run/decoder.onnx")),
    "report": Case(("report", "run"), (OLD,), made=("run/report.json", "run/report.html")),
    "sweep": Case(
        ("sweep", "table.csv", "--latent", "1,2", "--epochs", 1, "--seeds", 1, "--out", "swept"),
        made=("swept/trials.jsonl", "swept/sweep.json", "swept/sweep.html"),
    ),
    "compare": Case(
        ("compare", "table.csv", "--recipes", "ae,vae", "--latent", 2, "--epochs", 1, "--out", "compared"),
        again=("compare", "table.csv", "--recipes", "ae,vae", "--latent", 2, "--epochs", 1, "--out", "compared", "--force"),
        made=("compared/report.json",),
    ),
    "graft": Case(
        ("graft", "faces", "photos/001.png", "--attribute", "Moustache", "--out", "grafted.png"), made=("grafted.png",)
    ),
    "anomalies": Case(
        ("anomalies", "table.csv", "--epochs", 1, "--out", "scores.csv", "--run", "detector", "--force"),
        made=("scores.csv", "detector/anomalies.json", "detector/model.json"),
    ),
}


# ---------------------------------------------------------------------- a child that dies


class Counted:
    """Counts operations on files below `folder`; at the n-th of them, does what is to be done."""

    def __init__(self, folder: Path, n: int, at: Callable[["Counted", str, Any], None]) -> None:
        self.folder, self.n, self.at = str(folder), n, at
        self.done = 0

    def patch(self) -> None:
        """From now on, in this process."""
        for name in OPERATIONS:
            setattr(os, name, self._counting(name, getattr(os, name)))
        io.open = builtins.open = self._counting("open", builtins.open)  # type: ignore[assignment]

    def _counting(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            if self._ours(name, args, kwargs):
                self.done += 1
                if self.done >= self.n:
                    self.at(self, name, args[0])
            return function(*args, **kwargs)

        return counted

    def _ours(self, name: str, args: Sequence[Any], kwargs: Any) -> bool:
        if name == "fsync" or isinstance(kwargs.get("dir_fd"), int):
            return True
        where = args[0] if args else ""
        if isinstance(where, int):
            return False
        mode = args[1] if len(args) > 1 else kwargs.get("mode", "r")
        reads = name == "open" and (
            mode in ("r", "rb", "rt") if isinstance(mode, str) else not mode & (os.O_WRONLY | os.O_RDWR)
        )
        return not reads and os.path.abspath(os.fspath(where)).startswith(self.folder)


def dies(counted: Counted, name: str, what: Any) -> None:
    """SIGKILL, before the operation is done; of a file that was to be safe on the disk, half is there."""
    if name == "fsync":
        with contextlib.suppress(OSError):
            os.ftruncate(what, os.fstat(what).st_size // 2)
    os.kill(os.getpid(), signal.SIGKILL)


def fails_once(counted: Counted, name: str, what: Any) -> None:
    """The n-th operation fails, where it is a rename; else the next rename does."""
    if name in ("replace", "rename"):
        counted.n = 10**9
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(what))


def is_full(counted: Counted, name: str, what: Any) -> None:
    """From the n-th operation on, nothing can be written."""
    if name in ("open", "fsync", "mkdir"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def few_files(counted: Counted, name: str, what: Any) -> None:
    """From the n-th operation on, no further file can be opened: as with a low `ulimit -n`."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (_free(), HARD))


def _free() -> int:
    """The number that the next file would have: a limit so low lets none be opened."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (HARD, HARD))
    free = os.dup(0)
    os.close(free)
    return free


def run(words: Words, folder: Path, n: int = 10**9, at: Callable[..., None] = dies) -> tuple[int, int, str]:
    """A command in a child process: its exit code (below 0: a signal), how many operations it did, what it said."""
    said = folder.parent / "said"
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reads)
        code = 70
        try:
            out = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(out, 1), os.dup2(out, 2)
            os.chdir(folder)
            signal.alarm(int(LIMIT))
            counted = Counted(folder, n, at)
            counted.patch()
            code = called(words)
            counted.n = 10**9
            os.write(writes, str(counted.done).encode())
        except BaseException as error:  # told in what it said
            import traceback

            os.write(2, f"Traceback of the harness: {''.join(traceback.format_exception(error))}".encode())
        finally:
            os._exit(code)
    os.close(writes)
    done = os.read(reads, 32)
    os.close(reads)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), int(done or 0), said.read_text(errors="replace")


def called(words: Words) -> int:
    """The exit code of a command in this process."""
    try:
        answer = cli.app([str(word) for word in words], prog_name="latentwalk", standalone_mode=False)
    except SystemExit as left:
        answer = left.code
    return int(answer or 0)


# ---------------------------------------------------------------------- what is there afterwards


def faults(folder: Path, known: dict[str, list[str]], made: Sequence[str] = ()) -> Iterator[str]:
    """What is wrong in the folder. known: fingerprints of the models that may be there, by their folder."""
    for path in sorted(folder.rglob("*")):
        if not path.is_dir():
            if path.suffix == ".json" and not path.name.startswith("."):
                try:
                    json.loads(path.read_text())
                except ValueError:
                    yield f"{path.name} is torn"
            continue
        if holds_model(path):
            try:
                there = fingerprint(path)
            except latentwalk.LatentwalkError as error:
                yield f"no whole model: {error}"
                continue
            if there not in known.get(path.name, [there]):
                yield f"{path.name} is neither the old model nor the new one"
        if holds_checkpoint(path):
            try:
                newest(path)
            except latentwalk.LatentwalkError as error:
                yield f"no whole checkpoint: {error}"
    for name in made:
        if not (folder / name).exists():
            yield f"{name} is missing at the end"
    if made:
        yield from (f"unfinished: {path.name}" for path in folder.rglob(".*.part"))


def fingerprint(folder: Path) -> str:
    """Which model is there, and what it is said to be: read as a command reads it."""
    opened = Run.open(folder)
    codes = np.round([epoch.loss for epoch in opened.model.history_], 9).tolist()
    kind = None if opened.model.sampler_ is None else opened.model.sampler_.kind
    return json.dumps([codes, kind, None if opened.source is None else opened.source.what, opened.epochs])


def fingerprints(folder: Path) -> dict[str, list[str]]:
    return {path.name: [fingerprint(path)] for path in sorted(folder.iterdir()) if path.is_dir() and holds_model(path)}


# ---------------------------------------------------------------------- all of it


def tried(name: str, case: Case, base: Path, points: int | None, at: Callable[..., None] = dies) -> tuple[int, int, list[str]]:
    """Operations of a command, how many of them were tried, and what was wrong after some."""
    room = Path(tempfile.mkdtemp(prefix="crashes-"))
    ready, work = room / "ready", room / "work"
    shutil.copytree(base, work)
    for words in case.before:
        assert run(words, work)[0] == 0, f"{name}: {words} failed"
    shutil.move(work, ready)
    shutil.copytree(ready, work)
    code, operations, said = run(case.words, work)
    assert code == 0, f"{name} fails by itself: {said[-1500:]}"
    old, new = fingerprints(ready), fingerprints(work)
    known = {folder: [*old.get(folder, []), *models] for folder, models in new.items()}
    chosen = range(1, operations + 1)
    if points is not None and points < operations:
        chosen = sorted({round(1 + i * (operations - 1) / (points - 1)) for i in range(points)})  # type: ignore[assignment]
    wrong: list[str] = []
    for n in chosen:
        shutil.rmtree(work)
        shutil.copytree(ready, work)
        code, _, said = run(case.words, work, n, at)
        found = list(faults(work, known))
        if at is dies and code != KILLED:
            found.append(f"not killed: {code}")
        if at is not dies and (code not in (0, 1, 2) or "Traceback" in said):
            found.append(f"no message of ours: {code} {said[-300:]}")
        words = case.words if case.again is None else case.again
        if case.resumes and holds_checkpoint(work / "run"):
            begun = newest(work / "run")
            words = ("fit", "table.csv", "--out", "run", "--resume") if begun else words
            if holds_model(work / "run") and _seed_of(work / "run") == 1:
                words = case.words  # nothing of the new one was there: the command is given once more
        elif case.resumes and "--force" not in words:
            words = (*words, "--force") if holds_model(work / "run") else words
        code, _, said = run(words, work)
        if code != 0:
            found.append(f"does not go on ({words[0]} {words[-1]}): {said[-400:]}")
        found += list(faults(work, new if case.again is None else {}, case.made))
        wrong += [f"{name}, operation {n}: {what}" for what in found]
    shutil.rmtree(room)
    return operations, len(list(chosen)), wrong


def _seed_of(folder: Path) -> int:
    """The seed of the newest training in the folder."""
    return int(Run.unfinished(folder)[0].model.random_state)


def prepared() -> Path:
    """A folder with data, and a run on drawn faces to graft with."""
    base = Path(tempfile.mkdtemp(prefix="crashes-base-")) / "base"
    base.mkdir()
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(360, 4)) @ rng.normal(size=(4, 4))
    (base / "table.csv").write_text("a,b,c,d\n" + "".join(",".join(f"{x:.4f}" for x in row) + "\n" for row in rows))
    drawn = faces(300, size=16)
    (base / "photos").mkdir()
    for row, image in enumerate(drawn.x):
        Image.fromarray(image).save(base / "photos" / f"{row:03}.png")
    lines = "".join(f"{row:03}.png,{has}\n" for row, has in enumerate(drawn.factors["moustache"]))
    (base / "faces.csv").write_text("file,Moustache\n" + lines)
    options = ("--network", "dense", "--epochs", 1, "--recipe", "ae", "--latent", 4)
    code, _, said = run(("fit", "photos", "--attributes", "faces.csv", "--out", "faces", *options), base)
    assert code == 0, said[-1500:]
    return base


def constant_judgements() -> None:
    """Completeness takes seconds a model, and writes nothing."""
    from latentwalk.latent import completion
    from latentwalk.studies import judgement

    measure = Measure("completeness", 0.5, 0.4, 0.6, "Half of the draws land where data is.")
    for module, name in ((judgement, "completeness"), (judgement, "reach"), (completion, "likeness")):
        setattr(module, name, lambda *_, **__: measure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commands", nargs="*", help=", ".join(CASES))
    parser.add_argument("--points", type=int, help="how many operations of a command, at most; otherwise all")
    parser.add_argument("--ways", default="dies,fails_once,is_full,few_files")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    constant_judgements()
    base = prepared()
    print("| command | way | operations | tried | survived | seconds |\n| --- | --- | --- | --- | --- | --- |", flush=True)
    worst: list[str] = []
    for name in asked.commands or CASES:
        for way in asked.ways.split(","):
            start = time.monotonic()
            operations, count, wrong = tried(name, CASES[name], base, asked.points, globals()[way])
            lost = len({line.split(":")[0] for line in wrong})
            seconds = time.monotonic() - start
            print(f"| {name} | {way} | {operations} | {count} | {count - lost} | {seconds:.0f} |", flush=True)
            worst += [f"{way}: {line}" for line in wrong]
    print("\n".join(worst), file=sys.stderr)
    shutil.rmtree(base.parent)
    sys.exit(bool(worst))


if __name__ == "__main__":
    main()
