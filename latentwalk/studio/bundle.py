"""The page's files, and its ES modules as one script, for what has no others beside it: a module becomes a function that gives
its exports.

That reads the modules of the page, and those of others beside them, whose imports and exports stand in the forms below; it is
no tool for any other. An import in another form is an error here, and no riddle in a browser.
"""

import posixpath
import re
from collections.abc import Mapping
from importlib import resources

from latentwalk.errors import ConfigError

__all__ = ["ascii_script", "module_variable", "one_script", "page_files", "scripts"]

IMPORT = re.compile(r'import\s*(?:(?P<all>\*\s*as\s+\w+)|(?P<default>\w+)|\{(?P<names>[^}]*)\})\s*from\s*"(?P<file>[^"]+)";?')
HANDED = re.compile(r'export\s*\{(?P<names>[^}]*)\}\s*from\s*"(?P<file>[^"]+)";?')
LISTED = re.compile(r"export\s*\{(?P<names>[^}]*)\};?")
DECLARED = re.compile(r"^export\s+(?P<what>(?:async\s+)?function\*?|class|const)\s+(?P<name>\w+)", re.MULTILINE)
DEFAULT = re.compile(r"export default\s*(?=function)")


def page_files() -> dict[str, bytes]:
    """The files of the page, by their paths in it."""
    page = resources.files("latentwalk.studio") / "page"
    found = {one.name: one.read_bytes() for one in page.iterdir() if one.is_file() and one.name[0] not in "._"}
    return found | {f"vendor/{one.name}": one.read_bytes() for one in (page / "vendor").iterdir() if one.is_file()}


def scripts(page: Mapping[str, bytes]) -> dict[str, str]:
    """Its modules, as text."""
    return {name: content.decode() for name, content in page.items() if name.endswith((".js", ".mjs"))}


def one_script(files: Mapping[str, str], start: str) -> str:
    """The module `start` of these files (name → text) and all that it needs, as one module. Raises ConfigError."""
    done: dict[str, str] = {}
    _collect(files, start, done, ())
    return "\n".join(done.values())


def _collect(files: Mapping[str, str], name: str, done: dict[str, str], above: tuple[str, ...]) -> None:
    if name in done:
        return
    if name in above:
        raise ConfigError(f"modules import each other in a circle: {' → '.join((*above, name))}.")
    if name not in files:
        raise ConfigError(f"{above[-1] if above else 'the page'} imports {name}, which is not there.")
    text, exports = files[name], {}

    def imported(found: re.Match[str]) -> str:
        file = _beside(name, found["file"])
        _collect(files, file, done, (*above, name))
        if found["all"]:
            return f"const {found['all'].split()[-1]} = {module_variable(file)};"
        if found["default"]:
            return f"const {found['default']} = {module_variable(file)}.default;"
        pairs = (part.split(" as ") for part in _names(found["names"]))
        return f"const {{ {', '.join(': '.join(map(str.strip, pair)) for pair in pairs)} }} = {module_variable(file)};"

    def handed(found: re.Match[str]) -> str:
        file = _beside(name, found["file"])
        _collect(files, file, done, (*above, name))
        for part in _names(found["names"]):
            own, _, given = part.partition(" as ")
            exports[given.strip() or own.strip()] = f"{module_variable(file)}.{own.strip()}"
        return ""

    def listed(found: re.Match[str]) -> str:
        for part in _names(found["names"]):
            own, _, given = part.partition(" as ")
            exports[given.strip() or own.strip()] = own.strip()
        return ""

    def declared(found: re.Match[str]) -> str:
        exports[found["name"]] = found["name"]
        return f"{found['what']} {found['name']}"

    text = IMPORT.sub(imported, HANDED.sub(handed, text))
    text = DECLARED.sub(declared, LISTED.sub(listed, text))
    if DEFAULT.search(text):
        text, exports["default"] = DEFAULT.sub("const $default = ", text), "$default"
    if left := re.search(r"(?:^|[;}])\s*(?:import\s*[{*\w]|export\s)[^\n]{0,60}", text, re.MULTILINE):
        raise ConfigError(f"{name}: {left[0].strip()!r} is in a form that is not read here.")
    given = ", ".join(f"{outer}: {inner}" for outer, inner in exports.items())
    done[name] = f"const {module_variable(name)} = await (async () => {{\n{text}\nreturn {{ {given} }};\n}})();"


def ascii_script(text: str) -> str:
    """A script in which other letters than those of ASCII are escaped, and that ends no element it stands in."""
    escaped = "".join(one if ord(one) < 128 else "".join(f"\\u{unit:04x}" for unit in _units(one)) for one in text)
    return escaped.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _units(letter: str) -> list[int]:
    """A letter as units of UTF-16, which escapes of JavaScript are."""
    content = letter.encode("utf-16-be")
    return [int.from_bytes(content[at : at + 2], "big") for at in range(0, len(content), 2)]


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _beside(name: str, file: str) -> str:
    """The file that a module names, from where it lies."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), file))


def module_variable(file: str) -> str:
    """What holds the exports of a module, in the one script."""
    return "$" + re.sub(r"\W", "_", file)
