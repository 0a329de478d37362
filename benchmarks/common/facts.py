"""What a reader must know to believe a number: machine, versions, date. No host names, no paths."""

import argparse
import json
import os
import platform
import sys
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from latentwalk.training.runtime import processor

RESULTS = Path(__file__).parents[1] / "results"


def facts(*packages: str) -> str:
    """One paragraph: processor, cores, versions of Python and of these packages, today's date."""
    versions = [f"Python {platform.python_version()}"]
    for package in packages:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return f"{processor()}, {os.cpu_count()} cores; {', '.join(versions)}; {date.today().isoformat()}."


def earlier(path: Path) -> list[dict[str, Any]]:
    """The measurements that an earlier run kept, to go on from."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def begun(about: str, name: str, trials: int) -> tuple[argparse.Namespace, list[dict[str, Any]], set[tuple[Any, ...]]]:
    """What a benchmark on tables was asked for (--trials, --data, --keep), what an earlier run kept, and the keys of that."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=trials)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--keep", type=Path, default=Path(f"runs/{name}.jsonl"))
    asked = parser.parse_args()
    kept = earlier(asked.keep)
    return asked, kept, {tuple(found["key"]) for found in kept}


def keep(path: Path, found: dict[str, Any]) -> None:
    """Add a measurement to the file, and show it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(found) + "\n")
    print(found, file=sys.stderr, flush=True)


def put_section(path: Path, title: str, text: str) -> None:
    """Put a section, `## title` and text, in its place in a page of several; at its end, where there is none of that title."""
    page = path.read_text() if path.exists() else f"# {path.stem.capitalize()}\n"
    before, heading, rest = page.partition(f"\n## {title}\n")
    _, other, after = rest.partition("\n## ")
    tail = f"\n## {after}" if heading and other else ""
    path.write_text(f"{before.rstrip()}\n\n## {title}\n\n{text.strip()}\n{tail}")
