"""What the page asks for: itself, and what is told about runs.

Everything stands under /studio, which application and gate know nothing of: the page's own files, and beneath /studio/runs what
an `Exhibit` tells, what codes decode to, walks, directions and grafts.
"""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Annotated, Any, Generic, Literal, TypeVar

import numpy as np
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import Field, FiniteFloat
from starlette.concurrency import run_in_threadpool

from latentwalk.data.own_film import Bounds
from latentwalk.errors import DataError, unknown
from latentwalk.serving.answers import json_response
from latentwalk.serving.bodies import PICTURES, media, parsed, picture_of
from latentwalk.serving.problems import Refused
from latentwalk.serving.routes.chosen import Options
from latentwalk.serving.served import Served
from latentwalk.studio.away import decoder_files, html_file
from latentwalk.studio.bundle import page_files
from latentwalk.studio.exhibit import Exhibit
from latentwalk.studio.films import AHEAD, FOOTAGE, FUTURES, ShownFilm, ShownFilms
from latentwalk.studio.moves import STEPS, Transplant, film_of, transplant_of, walk_of

__all__ = ["Shows", "studio_routes"]

OCTETS = "application/octet-stream"
KINDS = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}  # of the page's files
KEPT, REELS = 32, 4  # steps, and films that were brought, that may be asked for again
MOST = 4_096  # codes decoded at once
T = TypeVar("T")


class Shelf(Generic[T]):
    """The last things of each run that may be asked for again, by their keys. most: of all runs. what: what each is."""

    def __init__(self, most: int, what: str) -> None:
        self.most, self.what = most, what
        self._kept: OrderedDict[tuple[str, str], T] = OrderedDict()
        self._lock = Lock()

    def keep(self, run: str, key: str, found: T) -> T:
        """The thing of that key: what is there already, with all it has learnt since, or what was found now."""
        with self._lock:
            kept = self._kept[run, key] = self._kept.pop((run, key), found)
            while len(self._kept) > self.most:
                self._kept.popitem(last=False)
        return kept

    def get(self, run: str, key: str) -> T:
        """Raises Refused (404)."""
        with self._lock:
            if (run, key) in self._kept:
                return self._kept[run, key]
        raise Refused(404, f"this {self.what} is not known any more. Choose it again.")

    def clear(self, run: str) -> None:
        """Forget those of a run."""
        with self._lock:
            for kept in [one for one in self._kept if one[0] == run]:
                del self._kept[kept]


class Shows:
    """What is shown: exhibits by name, which may grow; the steps that were found in each, and films that were brought."""

    def __init__(self) -> None:
        self.exhibits: dict[str, Exhibit] = {}
        self.served: dict[str, Served] = {}
        self.steps: Shelf[Transplant] = Shelf(KEPT, "direction")
        self.films: Shelf[ShownFilm] = Shelf(REELS, "film")

    def show(self, exhibit: Exhibit, served: Served) -> None:
        """Add one, in place of one of that name, whose steps and films go with it."""
        for shelf in (self.steps, self.films):
            shelf.clear(exhibit.name)
        self.served[exhibit.name] = served
        self.exhibits[exhibit.name] = exhibit


class Rows(Options):
    rows: Annotated[list[Annotated[int, Field(ge=0)]], Field(max_length=4_096)]


class Near(Options):
    code: list[FiniteFloat]
    count: Annotated[int, Field(ge=1, le=256)] = 8
    shown: Annotated[str | None, Field(max_length=2**22)] = None


class Points(Options):
    codes: Annotated[list[list[FiniteFloat]], Field(min_length=2, max_length=64)]
    path: Literal["linear", "spherical", "quantile", "density"] = "spherical"
    steps: Annotated[int, Field(ge=2, le=STEPS)] = 11


class Film(Options):
    codes: Annotated[list[list[FiniteFloat]], Field(min_length=1, max_length=STEPS)]
    marked: Annotated[list[bool], Field(default_factory=list)]
    ending: Literal[".gif", ".png", ".txt", ".mid", ".wav"]
    condition: str | None = None


class Sides(Options):
    having: list[Annotated[int, Field(ge=0)]]
    lacking: list[Annotated[int, Field(ge=0)]]


class Ahead(Options):
    seen: Annotated[int, Field(ge=1)]
    steps: Annotated[int, Field(ge=1, le=AHEAD)] = 10
    draws: Annotated[int, Field(ge=1, le=FUTURES)] = 3
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0


class Ground(Options):
    key: str
    code: list[FiniteFloat]
    condition: str | None = None


def studio_routes(shows: Shows, training: APIRouter | None = None) -> APIRouter:
    """The routes of the page on these exhibits. training: those of trainings, if there are any."""
    router = APIRouter(include_in_schema=False)
    files = {name: content for name, content in page_files().items() if not name.startswith("vendor/ort.")}

    def exhibit(run: Annotated[str, Path()]) -> Exhibit:
        if run not in shows.exhibits:
            raise Refused(404, str(unknown("run", run, shows.exhibits)))
        return shows.exhibits[run]

    def served(run: Annotated[str, Path()]) -> Served:
        if run not in shows.served:
            raise Refused(404, str(unknown("run", run, shows.served)))
        return shows.served[run]

    Shown = Annotated[Exhibit, Depends(exhibit)]
    Run = Annotated[Served, Depends(served)]

    @router.get("/")
    async def root() -> Response:
        return RedirectResponse("/studio/")

    @router.get("/studio/about")
    async def about(request: Request) -> Response:
        request.app.state.runs.update(shows.served)  # those trained since, for all other routes
        runs = [{"name": one.name, "title": one.title, "kind": one.spec.kind} for one in shows.exhibits.values()]
        return json_response({"runs": runs, "training": training is not None})

    @router.get("/studio/runs/{run}/about")
    def facts(shown: Shown) -> Response:
        return json_response(shown.about)

    @router.get("/studio/runs/{run}/codes")
    def codes(shown: Shown) -> Response:
        return Response(shown.codes(), media_type=OCTETS)

    @router.get("/studio/runs/{run}/places")
    def places(shown: Shown, axes: Annotated[str, Query(max_length=40)] = "principal") -> Response:
        return Response(shown.places(axes), media_type=OCTETS)

    @router.post("/studio/runs/{run}/codes")
    async def some_codes(shown: Shown, run: Run, request: Request) -> Response:
        asked = await parsed(request, Rows, run.limits)
        return Response(shown.codes_of(asked.rows), media_type=OCTETS)

    @router.post("/studio/runs/{run}/nearest")
    async def nearest(shown: Shown, run: Run, request: Request) -> Response:
        asked = await parsed(request, Near, run.limits)
        z = run.trained.codes(np.array([asked.code], np.float32))[0]
        return json_response({"rows": await run_in_threadpool(shown.nearest, z, asked.count, asked.shown)})

    @router.get("/studio/runs/{run}/scales")
    def scales(shown: Shown) -> Response:
        return Response(shown.scales(), media_type=OCTETS)

    @router.get("/studio/runs/{run}/numbers")
    def numbers(shown: Shown) -> Response:
        return Response(shown.numbers(), media_type=OCTETS)

    @router.get("/studio/runs/{run}/columns/{at}")
    def column(shown: Shown, at: int) -> Response:
        return Response(shown.column(at), media_type=OCTETS)

    @router.get("/studio/runs/{run}/names")
    def names(shown: Shown) -> Response:
        return json_response({"names": shown.named()})

    @router.get("/studio/runs/{run}/holding")
    def holding(shown: Shown, words: Annotated[str, Query(min_length=1, max_length=200)]) -> Response:
        return json_response({"rows": shown.holding(words)})

    @router.post("/studio/runs/{run}/tiles")
    async def tiles(shown: Shown, run: Run, request: Request) -> Response:
        asked = await parsed(request, Rows, run.limits)
        return json_response(await run.long(lambda _: shown.tiles(asked.rows)))

    @router.post("/studio/runs/{run}/decode")
    async def decode(shown: Shown, run: Run, request: Request, condition: Annotated[str | None, Query()] = None) -> Response:
        """Codes as float32, row by row → examples, as the page draws them."""
        content = await request.body()
        if media(request) != OCTETS or len(content) % (4 * run.dim) or not 0 < len(content) <= 4 * run.dim * MOST:
            raise DataError(f"expected 1 to {MOST:,} codes of {run.dim} float32 numbers, got {len(content):,} bytes.")
        z = run.trained.codes(np.frombuffer(content, "<f4").reshape(-1, run.dim))
        x = await run.decode(z, run.trained.told(condition, None, len(z)))
        return answered(shown.shown(x))

    @router.post("/studio/runs/{run}/walk")
    async def walk(shown: Shown, run: Run, request: Request) -> Response:
        asked = await parsed(request, Points, run.limits)
        points = [run.trained.codes(np.array([code], np.float32))[0] for code in asked.codes]
        return json_response(await run.long(lambda _: walk_of(shown, points, asked.steps, asked.path)))

    @router.post("/studio/runs/{run}/film")
    async def film(shown: Shown, run: Run, request: Request) -> Response:
        """A walk as a file: codes are decoded, and drawn or written as what they are."""
        asked = await parsed(request, Film, run.limits)
        z = run.trained.codes(np.array(asked.codes, np.float32))
        x = await run.decode(z, run.trained.told(asked.condition, None, len(z)))
        content = await run.long(lambda _: film_of(shown, z, x, asked.marked, asked.ending))
        return Response(content, media_type=OCTETS)

    @router.get("/studio/runs/{run}/frames")
    def frames(shown: Shown) -> Response:
        """Of each row which frame it is: its film times the length of a film, and its place in it, uint32."""
        return Response(films_of(shown).numbers[shown.rows].astype("<u4").tobytes(), media_type=OCTETS)

    @router.get("/studio/runs/{run}/films/{film}")
    async def reel(shown: Shown, run: Run, film: int) -> Response:
        films = films_of(shown)
        return json_response(await run.long(lambda _: films.film(film).reel(shown.space)))

    @router.post("/studio/runs/{run}/films/own")
    async def brought(shown: Shown, run: Run, request: Request, name: Annotated[str, Query(max_length=200)]) -> Response:
        """A film of one's own: a file that moves, or a .zip of images. name: the file's."""
        films, content, limits = films_of(shown), await request.body(), run.limits
        bounds = Bounds(limits.frames, limits.body, limits.pixels, FOOTAGE, limits.reading)

        def seen(_: Any) -> dict[str, Any]:
            own = films.own(content, name, bounds)
            return own.reel(shown.space) | {"key": shows.films.keep(shown.name, own.key, own).key}

        return json_response(await run.long(seen))

    @router.post("/studio/runs/{run}/films/own/{key}/futures")
    async def own_futures(shown: Shown, run: Run, key: str, request: Request) -> Response:
        return await ahead(shown, run, request, lambda: shows.films.get(shown.name, key))

    @router.post("/studio/runs/{run}/films/{film}/futures")
    async def futures(shown: Shown, run: Run, film: int, request: Request) -> Response:
        films = films_of(shown)
        return await ahead(shown, run, request, lambda: films.film(film))

    async def ahead(shown: Exhibit, run: Served, request: Request, film: Callable[[], ShownFilm]) -> Response:
        o = await parsed(request, Ahead, run.limits)
        run.check_count(o.steps * o.draws, "frames")
        return json_response(await run.long(lambda _: film().futures(o.seen, o.steps, o.draws, o.seed, shown.space)))

    @router.post("/studio/runs/{run}/direction")
    async def direction(shown: Shown, run: Run, request: Request) -> Response:
        asked = await parsed(request, Sides, run.limits)
        found = await run.long(lambda _: transplant_of(shown, asked.having, asked.lacking))
        return json_response(shows.steps.keep(shown.name, found.key, found).about | {"key": found.key})

    @router.post("/studio/runs/{run}/guided")
    async def guided(shown: Shown, run: Run, request: Request) -> Response:
        """As much of a step as one code needs, and what is read of it."""
        asked = await parsed(request, Ground, run.limits)
        found, z = shows.steps.get(shown.name, asked.key), run.trained.codes(np.array([asked.code], np.float32))[0]
        return json_response(await run.long(lambda _: found.guided(z.tolist(), asked.condition)))

    @router.post("/studio/runs/{run}/graft")
    async def graft(
        shown: Shown,
        run: Run,
        request: Request,
        key: Annotated[str, Query()],
        strength: Annotated[float, Query(ge=-20, le=20)] | Literal["guided"] = 1,
    ) -> Response:
        """A picture of any size with a direction put onto it, at its own size: PNG. guided: as much of it as it takes."""
        kind = media(request)
        if kind not in PICTURES or not shown.spec.form.pictured:
            raise Refused(415, f"expected a picture, as one of {', '.join(PICTURES)}.")
        found, content = shows.steps.get(shown.name, key), await request.body()
        made = await run.long(lambda _: found.onto(picture_of(content, kind, run.limits), strength))
        return Response(made, media_type="image/png")

    @router.get("/studio/runs/{run}/export")
    async def export(shown: Shown, run: Run) -> Response:
        """The map as one file that decodes without a server."""
        return Response(await run.long(lambda model: html_file(shown, decoder_files(model))), media_type=OCTETS)

    if training is not None:
        router.include_router(training)

    @router.get("/studio/{name:path}")
    async def page(name: str) -> Response:
        name = name or "index.html"
        if name not in files:
            raise Refused(404, f"the page has no file {name!r:.80}.")
        return Response(
            files[name], media_type=KINDS.get(name[name.rfind(".") :], OCTETS), headers={"Cache-Control": "no-cache"}
        )

    return router


def films_of(shown: Exhibit) -> ShownFilms:
    """The films of a map of frames. Raises Refused (404) where there are none."""
    if shown.films is None:
        raise Refused(404, f"{shown.title} is not a map of the frames of films that a predictor learnt from.")
    return shown.films


def answered(shown: bytes | dict[str, Any]) -> Response:
    """Examples as `Exhibit.shown` has them, as an answer."""
    return Response(shown, media_type=OCTETS) if isinstance(shown, bytes) else json_response(shown)
