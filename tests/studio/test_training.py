"""Trainings from the page: one at a time, in a queue that outlives the server."""

import json
from pathlib import Path
from threading import Event
from time import monotonic, sleep

import pytest
from typer.testing import CliRunner

from latentwalk.app.cli import app
from latentwalk.data import load
from latentwalk.errors import ConfigError
from latentwalk.studio import training
from latentwalk.studio.training import Trainings
from latentwalk.training.checkpoints import locked


@pytest.fixture
def here(monkeypatch):
    """Commands are run in this process, and reports are none; what was run, in order."""
    ran: list[tuple[str, ...]] = []

    def run(self, *words, job=None):
        ran.append(words)
        if words[0] == "report":
            judged = {"measures": {"prior": {"title": "completeness", "reading": "About 97 % land."}}, "warning": None}
            (Path(words[1]) / "report.json").write_text(json.dumps({"entries": [{"judgement": judged}]}))
            return 0
        result = CliRunner().invoke(app, list(words))
        assert result.exit_code == 0, result.output
        return result.exit_code

    monkeypatch.setattr(Trainings, "_run", run)
    return ran


def until(what) -> None:
    end = monotonic() + 90
    while not what() and monotonic() < end:
        sleep(0.02)
    assert what()


def test_one_after_the_other_learns_and_is_judged_and_opened(tmp_path, here):
    opened: list[Path] = []
    found = Trainings(tmp_path / "trained", opened.append)
    first = found.queue("digits", "vae", None, 1)
    second = found.queue("digits", "ae", 3, 1)
    assert [job.state for job in found.jobs] == ["queued", "queued"]
    found.begin()
    until(lambda: all(job.state == "done" for job in found.jobs))
    found.close()
    assert [words[0] for words in here] == ["fit", "report", "fit", "report"]
    assert opened == [tmp_path / "trained" / job.name for job in (first, second)]
    assert found.job(second.name).verdicts == [["completeness", "About 97 % land."]]
    assert len(found.losses(first.name)) == 1
    shown = found.forming(second.name)
    assert shown["epochs"] == 1 and shown["png"]
    assert len(shown["places"]) == len(shown["labels"]) == len(load("digits", split="train"))
    again = Trainings(tmp_path / "trained", opened.append)
    assert again.jobs == found.jobs


def test_what_was_cut_short_is_gone_on_with(tmp_path, here):
    found = Trainings(tmp_path)
    job = found.queue("digits", "ae", None, 2)
    CliRunner().invoke(app, [*found._words(job, found.place(job))[:-1], "1"])  # one epoch of two
    found._set(job.name, state="learning")  # and then its server was killed
    (found.place(job) / "model.json").unlink()
    again = Trainings(tmp_path)
    again.begin()
    until(lambda: again.job(job.name).state == "done")
    again.close()
    assert "--resume" in here[0]


def test_a_training_that_still_goes_on_is_waited_for(tmp_path, here):
    found = Trainings(tmp_path)
    job = found.queue("digits", "ae", None, 1)
    with locked(found.place(job)):
        found.begin()
        sleep(0.3)
        assert here == []
    until(lambda: found.job(job.name).state == "done")
    found.close()


def test_stopping(tmp_path, monkeypatch):
    begun, asked = Event(), Event()

    def run(self, *words, job=None):
        begun.set()
        asked.wait(10)
        return 1

    monkeypatch.setattr(Trainings, "_run", run)
    monkeypatch.setattr(Trainings, "_interrupt", lambda self: asked.set())
    found = Trainings(tmp_path)
    first, second = found.queue("digits", "ae", None, 1), found.queue("digits", "vae", None, 1)
    found.begin()
    begun.wait(10)
    found.stop(second.name)
    assert [job.name for job in found.jobs] == [first.name]  # what waits is taken out
    found.stop(first.name)
    until(lambda: found.job(first.name).state == "failed")
    assert "stopped before" in found.job(first.name).said
    found.close()


def test_only_what_is_known_is_trained(tmp_path):
    found = Trainings(tmp_path)
    for data, recipe in (("/etc/passwd", "vae"), ("given/../../x.csv", "vae"), ("digits", "; rm"), ("bouncing-digits", "vae")):
        with pytest.raises(ConfigError):
            found.queue(data, recipe, None, None)
    name = found.keep_given("../..\\evil name.CSV", b"a,b\n1,2\n")
    assert name.startswith("given/-evil-name-") and name.endswith(".csv")
    assert {one.parent for one in (tmp_path / "given").iterdir()} == {tmp_path / "given"}
    assert found.queue(name, "vae", None, None).data == name
    with pytest.raises(ConfigError, match="ending in"):
        found.keep_given("run.sh", b"")


@pytest.mark.parametrize(
    "said",
    [
        "{",
        '{"format": "other", "version": 1, "jobs": []}',
        '{"format": "latentwalk-trainings", "version": 1, "jobs": [{"name": "..", "data": "digits", "recipe": "vae"}]}',
        '{"format": "latentwalk-trainings", "version": 1, "jobs": [{"name": "a/b", "data": "digits", "recipe": "vae"}]}',
        '{"format": "latentwalk-trainings", "version": 1, "jobs": [{"name": "a", "data": "/etc", "recipe": "vae"}]}',
    ],
)
def test_a_damaged_queue_is_told(tmp_path, said):
    (tmp_path / training.QUEUE).write_text(said)
    with pytest.raises(ConfigError, match="queue"):
        Trainings(tmp_path)
