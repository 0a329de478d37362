"""The page as a widget of a notebook, by anywidget: the same modules, as one script, whose questions the kernel answers.

It stands in a shadow tree, so that no style of the notebook's reaches in, and none of its own out. Each view runs the script
anew, and has a state of its own. What the page asks comes as a message {"key", "what", …}; the answer has that key, and "said"
or bytes, or "failure", a sentence. The page has one code at a time decoded; when it is answered, it asks for the newest.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import anywidget
import numpy as np
import traitlets
from numpy.typing import NDArray

from latentwalk.data.own_film import Bounds
from latentwalk.data.sources.images import picture_in
from latentwalk.data.sources.midi import midi_in
from latentwalk.errors import ConfigError, LatentwalkError
from latentwalk.latent.encoded import Point
from latentwalk.latent.space import LatentSpace
from latentwalk.studio.bundle import module_variable, one_script, page_files, scripts
from latentwalk.studio.exhibit import Exhibit
from latentwalk.studio.films import ShownFilm, ShownFilms
from latentwalk.studio.moves import Transplant, film_of, transplant_of, walk_of

__all__ = ["NUMBERS", "Explorer", "widget_script", "widget_style"]

START = "notebook.js"
REM = 13  # pixels: what the page's style counts in, where a notebook has its own
NUMBERS = 600_000  # that are sent at once, at most: what Jupyter lets through, three megabytes, with some room
PLAYED = NUMBERS // 3  # of them, in the frames of a film, which go as text
NARROW = 760  # pixels of an output, up to which the panel stands below the map
AROUND = """
:host { display: block; position: relative; contain: layout; container-type: inline-size; overflow: auto; text-align: left;
  border: 1px solid var(--line); border-radius: 6px; }
:host([data-scheme="light"]) { color-scheme: light; }
:host([data-scheme="dark"]) { color-scheme: dark; }
"""
Answer = tuple[Any, list[bytes]]


def widget_script() -> str:
    """The module that anywidget loads: its `render` shows the page in an element."""
    page = page_files()
    style = json.dumps(widget_style(page["style.css"].decode()))
    body = one_script(scripts(page), START)
    return (
        f"const style = {style};\n"
        f"const opened = async () => {{\n{body}\nreturn {module_variable(START)};\n}};\n"
        "export default { render: async ({ model, el }) => (await opened()).show(model, el, style) };\n"
    )


def widget_style(text: str) -> str:
    """The page's style for a part of somebody else's page: lengths of its own, as wide as the output is, as light as it is."""
    text = re.sub(r"(?<![\w.-])(\d*\.?\d+)rem\b", lambda found: f"{REM * float(found[1]):.4g}px", text)
    text = text.replace("@media (prefers-color-scheme: dark) { :root, :host {", '@media all { :host([data-scheme="dark"]) {')
    text = text.replace("@media (max-width: 900px)", f"@container (max-width: {NARROW}px)")
    return text + AROUND


class Explorer(anywidget.AnyWidget):
    """A latent space under the pointer, in a notebook: what `space.explore()` gives, and what shows itself.

    code: (D,) where the probe is. groups: {"A", "B"}: rows of the space that were lassoed on the map, each (m,).
    """

    _esm = widget_script()
    height = traitlets.Int(680).tag(sync=True)  # pixels

    def __init__(self, space: LatentSpace, exhibit: Exhibit, height: int) -> None:
        super().__init__(height=height)
        self.space, self.exhibit = space, exhibit  # all of it, and what is on the map
        self.code: NDArray[np.float32] = exhibit.space.codes.mean(axis=0).astype(np.float32)
        self.groups: dict[str, NDArray[np.intp]] = {name: np.array([], np.intp) for name in ("A", "B")}
        self._found: tuple[str, Transplant] | None = None
        self._own: ShownFilm | None = None
        self.on_msg(self._heard)

    def __repr__(self) -> str:
        exhibit = self.exhibit
        return f"Explorer({exhibit.title}: {len(exhibit.rows):,} of {exhibit.total:,} examples, {self.space.dim} dimensions)"

    def go(self, point: Point) -> None:
        """Move the probe: to a row, a code (D,), an example (*E) or a picture. Raises ConfigError, DataError."""
        self.code = self.space.code(point)
        self.send({"go": self.code.tolist()})

    # ------------------------------------------------------------------ what the page asks

    def _heard(self, _: Any, said: Mapping[str, Any], buffers: list[Any]) -> None:
        """One message of the page."""
        if "groups" in said:
            self.groups = {name: np.array(rows, np.intp) for name, rows in said["groups"].items()}
            return
        key, what = said.get("key"), said.get("what")
        if what not in ASKED:
            return
        try:
            answer, content = ASKED[what](self, said)
        except LatentwalkError as error:
            self.send({"key": key, "failure": str(error)})
        except Exception:
            self.send({"key": key, "failure": f"The kernel failed at this ({what}); what went wrong stands in its log."})
            raise
        else:
            self.send({"key": key, "said": answer}, content)

    def _decode(self, said: Mapping[str, Any]) -> Answer:
        exhibit = self.exhibit
        z = np.array(said["codes"], np.float32).reshape(-1, exhibit.space.dim)
        space = exhibit.space if said.get("condition") is None else exhibit.space.under(said["condition"])
        shown = exhibit.shown(space.decoded_rows(z))
        if len(z) == 1:
            self.code = z[0]
        return (None, [shown]) if isinstance(shown, bytes) else (shown, [])

    def _film(self, said: Mapping[str, Any]) -> Answer:
        space, z = self.exhibit.space, np.array(said["codes"], np.float32)
        space = space if said.get("condition") is None else space.under(said["condition"])
        return None, [film_of(self.exhibit, z, space.decoded_rows(z), said["marked"], said["ending"])]

    def _direction(self, said: Mapping[str, Any]) -> Answer:
        found = transplant_of(self.exhibit, said["having"], said["lacking"])
        self._found = (str(said["key"]), found)
        return found.about | {"key": said["key"]}, []

    def _step(self, said: Mapping[str, Any]) -> Transplant:
        """The step that was found last. Raises ConfigError where another one is asked for."""
        if self._found is None or self._found[0] != said["key_of"]:
            raise ConfigError("this direction is not known any more. Choose it again.")
        return self._found[1]

    def _guided(self, said: Mapping[str, Any]) -> Answer:
        return self._step(said).guided(said["code"], said.get("condition")), []

    def _graft(self, said: Mapping[str, Any]) -> Answer:
        step, strength = self._step(said), said["strength"]
        picture = picture_in(base64.b64decode(said["content"]))
        return None, [step.onto(picture, "guided" if strength == "guided" else float(strength))]

    def _films(self) -> ShownFilms:
        """The films of the map. Raises ConfigError where its rows are not their frames."""
        if self.exhibit.films is None:
            raise ConfigError(f"{self.exhibit.title} is not a map of the frames of films that a predictor learnt from.")
        return self.exhibit.films

    def _reel(self, said: Mapping[str, Any]) -> Answer:
        return self._films().film(int(said["film"]), PLAYED).reel(self.exhibit.space), []

    def _brought(self, said: Mapping[str, Any]) -> Answer:
        """A film of one's own, the last of which is kept."""
        self._own = self._films().own(base64.b64decode(said["content"]), str(said["name"]), Bounds(values=PLAYED))
        return self._own.reel(self.exhibit.space) | {"key": self._own.key}, []

    def _futures(self, said: Mapping[str, Any]) -> Answer:
        key, steps, draws = said.get("key_of"), int(said["steps"]), int(said["draws"])
        if key is not None and (self._own is None or self._own.key != key):
            raise ConfigError("this film is not known any more. Choose it again.")
        if steps * draws * self.exhibit.spec.size > PLAYED:
            raise ConfigError(f"{draws} futures of {steps} frames are more than a notebook lets through. Draw fewer.")
        film = self._own if key is not None else self._films().film(int(said["film"]), PLAYED)
        assert film is not None
        return film.futures(int(said["seen"]), steps, draws, int(said["seed"]), self.exhibit.space), []

    def _frames(self, said: Mapping[str, Any]) -> Answer:
        return None, [self._films().numbers[self.exhibit.rows].astype("<u4").tobytes()]

    def _encode(self, said: Mapping[str, Any]) -> Answer:
        """The code of an example in a file."""
        space, spec, content = self.exhibit.space, self.exhibit.spec, base64.b64decode(said["content"])
        point: Any
        if spec.score is not None:
            point = midi_in(content, spec.score.grid).piece
        elif spec.vocabulary is not None:
            point = content.decode(errors="replace").partition("\n")[0]
        else:
            point = picture_in(content)
        return space.code(point).tolist(), []


ASKED: dict[str, Callable[[Explorer, Mapping[str, Any]], Answer]] = {
    "about": lambda widget, _: (widget.exhibit.about, []),
    "codes": lambda widget, _: (None, [widget.exhibit.codes()]),
    "places": lambda widget, said: (None, [widget.exhibit.places(said["axes"])]),
    "codes_of": lambda widget, said: (None, [widget.exhibit.codes_of(said["rows"])]),
    "nearest": lambda widget, said: (widget.exhibit.nearest(said["code"], said["count"], said.get("shown")), []),
    "scales": lambda widget, _: (None, [widget.exhibit.scales()]),
    "numbers": lambda widget, _: (None, [widget.exhibit.numbers()]),
    "names": lambda widget, _: (widget.exhibit.named(), []),
    "column": lambda widget, said: (None, [widget.exhibit.column(said["at"])]),
    "tiles": lambda widget, said: (widget.exhibit.tiles(said["rows"]), []),
    "holding": lambda widget, said: (widget.exhibit.holding(said["words"]), []),
    "walk": lambda widget, said: (walk_of(widget.exhibit, said["codes"], said["steps"], said["path"]), []),
    "decode": Explorer._decode,
    "film": Explorer._film,
    "direction": Explorer._direction,
    "guided": Explorer._guided,
    "graft": Explorer._graft,
    "encode": Explorer._encode,
    "reel": Explorer._reel,
    "brought": Explorer._brought,
    "futures": Explorer._futures,
    "frames": Explorer._frames,
}  # what the page asks, by name
