"""Fixtures that several folders of tests share."""

import copy
import functools
import signal
from pathlib import Path

import pytest

collect_ignore_glob = ["conftest.py", "*/conftest.py"]  # fixtures, in several folders: no modules to look for examples in


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets beside the repository; tests that need it are skipped where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data sets beside the repository ({folder.name} folder)")
    return folder


@pytest.fixture(scope="session", autouse=True)
def ctrl_c() -> None:
    """A shell that starts a program in the background has it ignore Ctrl-C, which tests press."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def operators_once() -> None:
    """PyTorch reads the sources of all ONNX operators again for each export, half of the time that it takes: here once."""
    from torch.onnx._internal.exporter._registration import ONNXRegistry

    read = functools.cache(ONNXRegistry.from_torchlib)

    def copied(**opset: int) -> ONNXRegistry:
        found = copy.copy(read(**opset))
        found.functions = {name: [*functions] for name, functions in found.functions.items()}
        return found

    ONNXRegistry.from_torchlib = staticmethod(copied)  # type: ignore[method-assign, assignment]
