"""What the documentation shows runs: every block of Python, in order, in one session."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", ["extending.md"])
def test_every_block_of_a_page_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("REFITS", "ROUNDS"):  # how well a region is learnt is tested elsewhere
        monkeypatch.setattr(f"latentwalk.latent.criteria.region.{name}", 1)
    text = (DOCS / page).read_text()
    names: dict[str, object] = {"__name__": page}
    for block in BLOCK.finditer(text):
        line = text.count("\n", 0, block.start(1))
        exec(compile("\n" * line + block.group(1), page, "exec"), names)
