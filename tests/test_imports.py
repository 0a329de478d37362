"""The package reads from left to right: a file imports only from its own folder, or from one further left."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "latentwalk"
ORDER = [
    "errors",
    "files",
    "chance",
    "data",
    "drawing",
    "networks",
    "models",
    "saving",
    "training",
    "latent",
    "estimators",
    "studies",
    "report",
    "app",
]
DOORS = {"__init__", "__main__"}  # what a user enters by may see everything
FILES = sorted(path for path in ROOT.rglob("*.py") if path.relative_to(ROOT).parts[0] not in {f"{d}.py" for d in DOORS})


def place(parts: tuple[str, ...]) -> int:
    return ORDER.index(parts[0].removesuffix(".py"))


def imported(path: Path) -> set[tuple[str, ...]]:
    """The modules of ours that a file imports, anywhere in it: at its top, in a function, under TYPE_CHECKING."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: line {node.lineno}: write imports in full"
            whole = [f"{node.module}.{alias.name}" for alias in node.names] if node.module == "latentwalk" else [node.module]
            names += whole
    return {tuple(name.split(".")[1:]) for name in names if name.split(".")[0] == "latentwalk" and "." in name}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_never_point_to_the_right(path):
    here = place(path.relative_to(ROOT).parts)
    wrong = [".".join(parts) for parts in imported(path) if place(parts) > here]
    assert not wrong, f"{path.relative_to(ROOT)} imports {', '.join(wrong)}: the shared thing belongs further left"
