"""Fixtures that several folders of tests share."""

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
