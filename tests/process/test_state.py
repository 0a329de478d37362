"""A library leaves no trace in the program that uses it: each public call in a fresh process, its state before and after."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CALLS = Path(__file__).with_name("calls.py")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each call changed in a process of its own."""
    environment = os.environ | {"PYTHONPATH": str(CALLS.parents[2]), "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    command = [sys.executable, str(CALLS), str(tmp_path_factory.mktemp("calls"))]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"call"')]


def test_no_public_call_changes_the_process(told):
    found = [row for row in told if ", otherwise" not in row["call"]]
    assert len(found) > 45
    assert not [row for row in found if row["failure"] or row["changed"]]


def test_nor_one_that_is_set_up_otherwise_and_computes_with_two_threads(told):
    found = [row for row in told if ", otherwise" in row["call"]]
    assert len(found) == 6
    assert not [row for row in found if row["failure"] or row["changed"]]
