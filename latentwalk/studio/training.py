"""Models that are trained from the page: one at a time, the others in a queue that is kept on the disk.

Each training is a process of its own, `latentwalk fit`, which writes checkpoints: it goes on when the page is closed, and when
the server is killed; whoever opens the queue again waits for it, or goes on from its last checkpoint. What is shown while a
model forms is read from its folder: losses from the history, reconstructions and codes from the newest checkpoint.
"""

import contextlib
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from latentwalk.data import Dataset, load, names
from latentwalk.errors import CheckpointError, ConfigError, DataError, LatentwalkError, unknown
from latentwalk.estimators.fitting import forming
from latentwalk.estimators.options import Options, params_of
from latentwalk.files import json_of, telling, write_atomically
from latentwalk.latent.maps.plane import Plane
from latentwalk.models.recipes import RECIPES
from latentwalk.saving.folder import DESCRIPTION
from latentwalk.training.checkpoints import HISTORY, holds_checkpoint, latest, locked

__all__ = ["Job", "Trainings"]

State = Literal["queued", "learning", "judging", "done", "failed"]
QUEUE, LOG, GIVEN = "queue.json", "log.txt", "given"
FORMAT, VERSION = "latentwalk-trainings", 1
ENDINGS = (".csv", ".npy", ".npz", ".txt", ".zip", ".parquet")  # of data that is uploaded
SHOWN, REBUILT = 2_000, 8  # rows on the map of a model that forms, and those that it decodes again
WAIT = 0.5  # seconds between two looks at a training of another process
LAST = 2_000  # letters of what a training said, where it failed
START = (
    "import signal, sys\n"
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a server in the background may have told it to ignore that
    "from latentwalk.app.cli import main\n"
    "main()\n"
)
FILMS = ("bouncing-digits", "bouncing-shapes")  # a predictor's, which the page does not train


@dataclass(frozen=True, slots=True)
class Job:
    """A training.

    latent, epochs: None for the usual. said: why it failed. process: that which learns, by its number, so that it can be asked
    to end when its server was killed. verdicts: [title, reading] of what was measured.
    """

    name: str
    data: str
    recipe: str
    latent: int | None = None
    epochs: int | None = None
    state: State = "queued"
    stopping: bool = False
    said: str = ""
    process: int | None = None
    verdicts: list[list[str]] = field(default_factory=list)


class Trainings:
    """The queue in a folder, and the thread that works on it. opened: is given the folder of each model that is there.

    A context: leaving it asks the training that goes on to keep its best weights and end; it is gone on with next time.
    """

    def __init__(self, folder: Path, opened: Callable[[Path], None] = lambda folder: None) -> None:
        self.folder, self.opened = folder, opened
        self._change = threading.Condition()
        self._ended = False
        self._process: subprocess.Popen[bytes] | None = None
        self._jobs = {job.name: job for job in self._read()}
        self._thread = threading.Thread(target=self._work, name="latentwalk-trainings", daemon=True)

    def begin(self) -> None:
        """Open what has been trained, and work on what is queued."""
        for job in self.jobs:
            if job.state == "done":
                self._open(job)
        self._thread.start()

    def close(self) -> None:
        """Ask what goes on to end, keeping what it has, and wait for that."""
        with self._change:
            self._ended = True
            self._interrupt()
            self._change.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    # ------------------------------------------------------------------ asked

    @property
    def jobs(self) -> list[Job]:
        """All trainings, the first one first."""
        with self._change:
            return list(self._jobs.values())

    def job(self, name: str) -> Job:
        """The training of that name. Raises ConfigError."""
        with self._change:
            if name not in self._jobs:
                raise ConfigError(unknown("training", name, self._jobs).args[0])
            return self._jobs[name]

    def place(self, job: Job) -> Path:
        """The folder of a training's model."""
        return self.folder / job.name

    def choices(self) -> dict[str, Any]:
        """What there is to choose from, as JSON values: data by name, recipes."""
        data = {name: what for name, what in names().items() if name not in FILMS}
        return {"data": data | {f"{GIVEN}/{one.name}": "uploaded" for one in self._given()}, "recipes": list(RECIPES)}

    def queue(self, data: str, recipe: str, latent: int | None, epochs: int | None) -> Job:
        """A new training, at the end of the queue. Raises ConfigError for data or a recipe that is not known."""
        if data not in (known := self.choices()["data"]):
            raise unknown("data", data, known)
        if recipe not in RECIPES:
            raise unknown("recipe", recipe, RECIPES)
        with self._change:
            stem = re.sub(r"[^\w.-]+", "-", f"{recipe}-{Path(data).stem}" + (f"-{latent}" if latent else ""))
            name = next(one for one in (stem, *(f"{stem}-{k}" for k in range(2, 10_000))) if self._is_free(one))
            self._put(Job(name, data, recipe, latent, epochs))
            self._change.notify_all()
            return self._jobs[name]

    def stop(self, name: str) -> None:
        """End a training with what it has learnt; one that has not begun is taken out of the queue. Raises ConfigError."""
        job = self.job(name)
        with self._change:
            if job.state == "queued":
                del self._jobs[name]
                self._write()
            elif job.state == "learning":
                self._put(replace(job, stopping=True))
                self._interrupt()
                self._interrupt_other(job)

    def keep_given(self, name: str, content: bytes) -> str:
        """Write data that was uploaded; by which name it may be trained on. Raises ConfigError for what is no data."""
        stem, ending = re.sub(r"[^\w-]+", "-", Path(name).stem)[:60] or "data", Path(name).suffix.lower()
        if ending not in ENDINGS:
            raise ConfigError(f"{name!r:.80}: expected a file ending in {', '.join(ENDINGS)}.")
        path = self.folder / GIVEN / f"{stem}-{secrets.token_hex(3)}{ending}"
        with telling("write", path, "Free some space.", ConfigError):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, content)
        return f"{GIVEN}/{path.name}"

    def losses(self, name: str) -> list[dict[str, Any]]:
        """The epochs that are done, as JSON values."""
        path, found = self.place(self.job(name)) / HISTORY, []
        with contextlib.suppress(OSError):
            for line in path.read_text(encoding="utf-8").splitlines():
                with contextlib.suppress(ValueError):  # the last line, half written
                    found.append(json.loads(line))
        return found

    def forming(self, name: str) -> dict[str, Any]:
        """What a model that learns has come to, by its newest checkpoint: places of codes, reconstructions, as JSON values.

        Raises CheckpointError before there is any.
        """
        job = self.job(name)
        about, snapshot = latest(self.place(job))
        data = _read(self._source(job))
        some = data.take(np.sort(np.random.default_rng(0).permutation(len(data))[:SHOWN]))
        space = forming(Options(**params_of(about["params"])), data, snapshot).space(some)
        plane, painter = Plane.of(space), space.painter
        x = space.data[:REBUILT]
        back = space.decoded_rows(space.codes[:REBUILT])
        shown: dict[str, Any] = {"texts": space.spec.said(back)} if space.spec and space.spec.spoken else {}
        if not shown and painter is not None:
            rows = np.concatenate([np.asarray(x, back.dtype), back])
            shown = {
                key: value for key, value in painter.sheet(rows, len(x), gap=0).items() if key in ("png", "width", "height")
            }
        labels = space.labels.tolist() if space.labels is not None else []
        return {
            "epochs": len(snapshot.place.history),
            "places": plane(space.codes.astype(np.float64)).round(4).tolist(),
            "labels": labels,
            "classes": list(space.classes),
            **shown,
        }

    # ------------------------------------------------------------------ done, in a thread

    def _work(self) -> None:
        while (job := self._next()) is not None:
            try:
                self._train(job)
            except (LatentwalkError, OSError) as error:
                self._set(job.name, state="failed", said=str(error))

    def _next(self) -> Job | None:
        """The training to be worked on, that which was begun before all others; None once the queue is closed."""
        with self._change:
            while not self._ended:
                waiting = [job for job in self._jobs.values() if job.state in ("queued", "learning", "judging")]
                if waiting:
                    return min(waiting, key=lambda job: ("judging", "learning", "queued").index(job.state))
                self._change.wait()
        return None

    def _train(self, job: Job) -> None:
        folder = self.place(job)
        if job.state != "judging":
            if not self._learn(job, folder):
                return
            job = self._set(job.name, state="judging", stopping=False)
        self._open(job)
        code = self._run("report", str(folder))
        if self._ended:
            return
        self._set(
            job.name, state="done", verdicts=_verdicts(folder) if code == 0 else [], said="" if code == 0 else self._last_said()
        )

    def _learn(self, job: Job, folder: Path) -> bool:
        """Let it learn; whether there is a model then that can be judged."""
        self._wait_for_others(folder)
        job = self._set(job.name, state="learning")
        if job.stopping and (folder / DESCRIPTION).exists():
            return True
        self._run(*self._words(job, folder), job=job.name)
        if self._ended:
            return False
        if (folder / DESCRIPTION).exists():
            return True
        said = "stopped before it had learnt anything." if self.job(job.name).stopping else self._last_said()
        self._set(job.name, state="failed", said=said)
        return False

    def _words(self, job: Job, folder: Path) -> list[str]:
        words = ["fit", self._source(job), "--out", str(folder), "--checkpoint-every", "1"]
        if holds_checkpoint(folder):
            return [*words, "--resume"]
        words += ["--recipe", job.recipe]
        words += [] if job.latent is None else ["--latent", str(job.latent)]
        return words + ([] if job.epochs is None else ["--epochs", str(job.epochs)])

    def _source(self, job: Job) -> str:
        return str(self.folder / job.data) if job.data.startswith(f"{GIVEN}/") else job.data

    def _run(self, *words: str, job: str | None = None) -> int:
        """A command of ours in a process of its own: its exit code. What it says is in the log. job: whose training it is."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / LOG).open("wb") as log, self._change:
            if self._ended:
                return 1
            self._process = subprocess.Popen(
                [sys.executable, "-c", START, *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
            if job is not None:
                self._set(job, process=self._process.pid)
        code = self._process.wait()
        with self._change:
            self._process = None
            if job is not None:
                self._set(job, process=None)
        return code

    def _interrupt(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGINT)

    def _interrupt_other(self, job: Job) -> None:
        """Ask the training that a killed server began, if it is still that which has this number."""
        if self._process is None and job.process is not None:
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{job.process}/cmdline").read_bytes().split(b"\0")
                if os.fsencode(self.place(job)) in words:
                    os.kill(job.process, signal.SIGINT)

    def _wait_for_others(self, folder: Path) -> None:
        """Until no other process trains there: one whose server was killed goes on."""
        while not self._ended:
            try:
                with locked(folder):
                    return
            except CheckpointError:
                with self._change:
                    self._change.wait(WAIT)

    def _open(self, job: Job) -> None:
        try:
            self.opened(self.place(job))
        except LatentwalkError as error:
            self._set(job.name, said=str(error))

    def _last_said(self) -> str:
        try:
            said = (self.folder / LOG).read_text(encoding="utf-8", errors="replace")[-LAST:].strip()
        except OSError:
            return "it ended, and left no word."
        return said.rpartition("error: ")[2] or "it was killed."

    # ------------------------------------------------------------------ kept

    def _is_free(self, name: str) -> bool:
        return name not in self._jobs and not (self.folder / name).exists()

    def _set(self, name: str, **changes: Any) -> Job:
        with self._change:
            job = replace(self._jobs[name], **changes)
            self._put(job)
            return job

    def _put(self, job: Job) -> None:
        self._jobs[job.name] = job
        self._write()

    def _write(self) -> None:
        path = self.folder / QUEUE
        said = {"format": FORMAT, "version": VERSION, "jobs": [asdict(job) for job in self._jobs.values()]}
        with telling("write", path, "Free some space.", ConfigError):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, json.dumps(said, indent=1).encode())

    def _read(self) -> list[Job]:
        path = self.folder / QUEUE
        try:
            said = json_of(path)
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"{path} cannot be read: {error}. Delete it to begin anew; models stay in their folders."
            ) from error
        try:
            if said["format"] != FORMAT or said["version"] != VERSION:
                raise ValueError(f"format {said['format']!r:.40}, version {said['version']!r:.40}")
            return [_job(one) for one in said["jobs"]]
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"{path} is no queue of trainings: {error}. Delete it to begin anew.") from error

    def _given(self) -> list[Path]:
        folder = self.folder / GIVEN
        return sorted(one for one in folder.iterdir() if one.suffix in ENDINGS) if folder.is_dir() else []


def _job(said: Mapping[str, Any]) -> Job:
    """A training as the queue says it. Raises KeyError, TypeError, ValueError."""
    job = Job(**said)
    if not re.fullmatch(r"[\w.-]+", job.name) or set(job.name) == {"."} or job.state not in State.__args__:  # type: ignore[attr-defined]
        raise ValueError(f"a training called {job.name!r:.80}, which is {job.state!r:.40}")
    if job.data not in names() and not re.fullmatch(rf"{GIVEN}/[\w-]+\.\w+", job.data):
        raise ValueError(f"data {job.data!r:.80}")
    return job


def _verdicts(folder: Path) -> list[list[str]]:
    """What a report found, as [title, reading]."""
    try:
        entry = json_of(folder / "report.json")["entries"][0]["judgement"]
        found = [[one["title"], one["reading"]] for one in entry["measures"].values()]
        return found + ([["warning", entry["warning"]]] if entry.get("warning") else [])
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise DataError(f"{folder}: the report cannot be read: {error}.") from error


@lru_cache(maxsize=2)
def _read(source: str) -> Dataset:
    """The rows that a model learns from."""
    return load(source, split="train")
