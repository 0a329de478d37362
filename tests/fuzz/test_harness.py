"""The harness of `benchmarks/fuzz.py`: it sees what it looks for, and the same mutations each time."""

import importlib.util
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from latentwalk.errors import DataError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def fuzz() -> Any:
    spec = importlib.util.spec_from_file_location("fuzz_files", ROOT / "benchmarks" / "fuzz.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz_files"] = module
    spec.loader.exec_module(module)
    return module


def dies(path: Path) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def works(path: Path) -> None:
    while True:
        pass


def waits(path: Path) -> None:
    time.sleep(60)


def grows(path: Path) -> None:
    held = bytearray(1 << 33)
    raise AssertionError(len(held))


def fails(path: Path) -> None:
    raise ValueError("foreign")


def refuses(path: Path) -> None:
    raise DataError(f"{path}: no")


def silent(path: Path) -> None:
    raise DataError("no")


@pytest.mark.parametrize(
    ("opened", "told", "said"),
    [
        (dies, "other", "SIGKILL"),
        (works, "other", "of work"),
        (waits, "other", "by the clock"),
        (grows, "other", "MemoryError"),
        (fails, "other", "ValueError: foreign"),
        (silent, "other", "does not say where"),
        (refuses, "refused", ""),
        (Path.read_bytes, "read", ""),
    ],
)
def test_each_kind_of_outcome_is_seen(fuzz: Any, tmp_path: Path, monkeypatch: Any, opened: Any, told: str, said: str) -> None:
    monkeypatch.setattr(fuzz, "TIME", 0.1)
    monkeypatch.setattr(fuzz, "WAIT", 1.0)
    one = fuzz.Format([b"abc"], tmp_path / "x", lambda path, _: opened(path))
    numbers = [3] if told == "other" else [3, 4]
    found = list(fuzz.tried(one, 0, numbers))
    assert [(number, kind) for number, kind, _ in found] == [(number, told) for number in numbers]
    assert all(said in what for *_, what in found)


def test_mutations_after_a_death_are_tried_too(fuzz: Any, tmp_path: Path) -> None:
    one = fuzz.Format([b"abc"], tmp_path / "x", lambda path, _: dies(path) if len(path.read_bytes()) % 2 else None)
    found = list(fuzz.tried(one, 0, range(12)))
    assert [number for number, *_ in found] == list(range(12))
    assert {kind for _, kind, _ in found} == {"other", "read"}


def test_a_mutation_is_the_same_each_time_and_whole_within_its_guard(fuzz: Any) -> None:
    archive, png = fuzz.samples.archives()[1], fuzz.samples.pictures()["PNG"]
    for within, content in ((fuzz.within_zip, archive), (fuzz.within_png, png), (fuzz.within_gzip, fuzz.samples.idxs()[3])):
        one = fuzz.Format([content], Path("x"), print, [within])
        for number in range(20):
            assert one.mutation(random.Random(number)) == one.mutation(random.Random(number))
        kept = within(lambda random_, old: old)(random.Random(0), content)
        assert within(lambda random_, old: old)(random.Random(0), kept) == kept
