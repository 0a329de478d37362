"""The package reads from left to right, in no circle, and a name means one thing in it.

An import counts wherever it stands: at the top of a file, in a function, under TYPE_CHECKING, as a text for `import_module`.
"""

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "latentwalk"
ORDER = [
    "arrays",
    "errors",
    "plain",
    "surroundings",
    "files",
    "checks",
    "memory",
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
    "serving",
    "studio",
    "app",
]
DOORS = {"__init__.py", "__main__.py"}  # what a user enters by may see everything
OUT = {"latent/space.py": "explore"}  # a method that hands its own on to a room further right, by the door, as a user would
FILES = sorted(path for path in ROOT.rglob("*.py") if path.relative_to(ROOT).parts[0] not in DOORS)
WHOLE = re.compile(r"latentwalk(\.\w+)+\.?")  # what `import_module` is told, now or later; the beginning of an f-string, too
every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))


def place(parts: tuple[str, ...]) -> int:
    return ORDER.index(parts[0].removesuffix(".py"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imported(path: Path) -> set[tuple[str, ...]]:
    """The files of ours that a file imports, as the parts of their modules' names."""
    names: list[str] = []
    for node in ast.walk(tree(path)):
        match node:
            case ast.Import():
                names += [alias.name for alias in node.names]
            case ast.ImportFrom():
                assert node.level == 0, f"{path}: line {node.lineno}: write imports in full"
                names += [f"{node.module}.{alias.name}" for alias in node.names]
            case ast.Constant(value=str(text)) if WHOLE.fullmatch(text):
                names.append(text.rstrip("."))
    ours = [tuple(name.split(".")[1:]) for name in names if name.split(".")[0] == "latentwalk"]
    return {parts for parts in map(file_of, ours) if parts}


def file_of(parts: tuple[str, ...]) -> tuple[str, ...]:
    """The module in which a dotted name lies: the longest beginning of it that is a file or a folder."""
    while parts and not (ROOT.joinpath(*parts).with_suffix(".py").is_file() or ROOT.joinpath(*parts).is_dir()):
        parts = parts[:-1]
    return parts


def module(path: Path) -> tuple[str, ...]:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def circles(arrows: dict[str, set[str]]) -> list[set[str]]:
    """The lots of files that reach each other along the arrows."""

    @cache
    def reached(start: str) -> frozenset[str]:
        seen: set[str] = set()
        ahead = [*arrows[start]]
        while ahead:
            if (one := ahead.pop()) not in seen:
                seen.add(one)
                ahead += arrows[one]
        return frozenset(seen)

    lots = {frozenset(other for other in reached(one) if one in reached(other)) for one in arrows if one in reached(one)}
    return sorted(map(set, lots), key=sorted)


def public(path: Path) -> set[str]:
    """The names in a file's `__all__` that are defined there, and not handed on."""
    promised: set[str] = set()
    defined: set[str] = set()
    for node in tree(path).body:
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")]):
                promised = set(ast.literal_eval(node.value))
            case ast.FunctionDef() | ast.ClassDef():
                defined.add(node.name)
            case ast.Assign():
                defined |= {target.id for target in node.targets if isinstance(target, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                defined.add(name)
    return promised & defined


@every_file
def test_imports_never_point_to_the_right(path):
    here = place(path.relative_to(ROOT).parts)
    wrong = [".".join(parts) for parts in imported(path) if place(parts) > here]
    assert not wrong, f"{path.relative_to(ROOT)} imports {', '.join(wrong)}: the shared thing belongs further left"


def test_who_goes_out_by_the_door_is_named():
    """`import latentwalk`, left of the doors' own rooms, would be a way around the order."""
    found = {}
    for path in (path for path in FILES if place(path.relative_to(ROOT).parts) < ORDER.index("app")):
        gone = {
            node.attr
            for node in ast.walk(tree(path))
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "latentwalk"
        } - {"__version__"}
        gone |= {
            alias.name
            for node in ast.walk(tree(path))
            if isinstance(node, ast.ImportFrom) and node.module == "latentwalk"
            for alias in node.names
            if not file_of((alias.name,))
        }
        if gone:
            found[path.relative_to(ROOT).as_posix()] = ", ".join(sorted(gone))
    assert found == OUT


def test_no_file_imports_itself_by_way_of_others():
    arrows = {".".join(module(path)): {".".join(parts) for parts in imported(path)} for path in FILES}
    assert circles(arrows) == [], "the shared thing belongs further left"


def test_a_circle_would_be_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"e", "d"}}) == [{"a", "b", "c"}, {"e"}]


@every_file
def test_a_thing_of_ours_goes_by_its_own_name(path):
    renamed = [
        f"line {node.lineno}: {alias.name} as {alias.asname}"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] == "latentwalk"
        for alias in node.names
        if alias.asname is not None
    ]
    assert not renamed, f"{'; '.join(renamed)}: give one of the two another name"


def test_a_public_name_is_defined_once():
    homes = defaultdict(list)
    for path in [path for path in FILES if path.parent.name != "commands"]:  # a command is called by its word
        for name in public(path):
            homes[name].append(".".join(module(path)))
    assert {name: sorted(found) for name, found in homes.items() if len(found) > 1} == {}
