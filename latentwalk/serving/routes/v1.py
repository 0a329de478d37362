"""`/v1`: what the command line does with a run, by HTTP."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar, cast

import numpy as np
from fastapi import APIRouter, Request, Response
from pydantic import Field, FiniteFloat, field_validator, model_validator

from latentwalk.arrays import Array
from latentwalk.data.columns import is_frame
from latentwalk.errors import DataError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.latent.decoded import Decoded
from latentwalk.latent.moves.barycentres import BlendName
from latentwalk.latent.moves.directions import Direction
from latentwalk.latent.moves.paths import PathName
from latentwalk.latent.moves.walks import Walk
from latentwalk.latent.space import LatentSpace
from latentwalk.models.decoding import DecodingMethod, decoding_named
from latentwalk.serving.answers import (
    CSV,
    JSON,
    MIDI,
    NPY,
    OCTETS,
    Made,
    check_listed,
    chosen,
    json_response,
    jsonable,
    nested,
    npy_of,
    records_of,
)
from latentwalk.serving.bodies import (
    ARRAYS,
    PICTURES,
    array_of,
    examples,
    frame_of,
    media,
    numbers,
    parsed,
    picture_of,
    queried,
)
from latentwalk.serving.problems import Refused
from latentwalk.serving.routes.chosen import PROBLEMS, ChosenRun, Label, Options, brings, gives
from latentwalk.serving.served import Served
from latentwalk.surroundings import heard

__all__ = ["v1_router"]

v1_router = APIRouter(prefix="/v1", tags=["v1"], responses=PROBLEMS, default_response_class=Response)
MOST, POINTS = 1_000, 100  # steps of a walk, draws; points of a walk or a blend
DRAWN = 100_000  # codes of scores
T = TypeVar("T")
ANY = (JSON, NPY, OCTETS, "image/png", "image/gif", CSV, "text/plain", MIDI, "audio/wav")


# ---------------------------------------------------------------------- what is asked


class Given(Options):
    """Examples, as one of x, texts and records."""

    x: Annotated[
        list[Any] | None, Field(description="Examples (n, *E) in the units of the data; null where a value is missing.")
    ] = None
    texts: list[str] | None = None
    records: Annotated[list[dict[str, Any]] | None, Field(description="Rows of a table: {column: value}.")] = None
    condition: Label = None


class Reconstructed(Given):
    """Examples to be encoded and decoded. decoding: how the units of texts and music are chosen."""

    decoding: DecodingMethod | None = None


class Scored(Given):
    """Examples to be scored."""

    draws: Annotated[int, Field(ge=1, le=MOST, description="Draws of q(z | x) for each bound.")] = 1
    each: Annotated[bool, Field(description="Whether to score each value of an example besides.")] = False


class Codes(Options):
    """Codes (n, D)."""

    codes: list[list[FiniteFloat]]
    condition: Label = None


class Point(Options):
    """A point of the latent space, by one of these."""

    row: Annotated[int | None, Field(ge=0, description="A row of what was learnt from.")] = None
    label: Annotated[str | None, Field(description="A class: its most typical example.")] = None
    code: Annotated[list[FiniteFloat] | None, Field(description="A code (D,).")] = None
    x: Annotated[list[Any] | None, Field(description="An example (*E).")] = None
    text: str | None = None
    record: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _one(self) -> "Point":
        if len(self.model_fields_set) != 1:
            raise ValueError("a point is one of row, label, code, x, text and record")
        return self


Points = Annotated[list[Point], Field(min_length=1, max_length=POINTS)]


class Walked(Options):
    """A way through points."""

    points: Annotated[list[Point], Field(min_length=1, max_length=POINTS)]
    steps: Annotated[int | None, Field(ge=2, le=MOST, description="In all; ten from one point to the next unless given.")] = (
        None
    )
    path: PathName = "spherical"
    loop: bool = False
    condition: str | None = None


class Blended(Options):
    """Several points in one."""

    points: Points
    weights: Annotated[list[Annotated[FiniteFloat, Field(ge=0)]] | None, Field(description="Equal unless given.")] = None
    how: BlendName = "mean"
    condition: str | None = None


class Sampled(Options):
    """New examples."""

    count: Annotated[int, Field(ge=1)] = 1
    source: Annotated[
        str | None,
        Field(description="fitted, prior, or fitted to the data: gaussian, mixture, vamp, resampled, flow, neighbours."),
    ] = None
    temperature: Annotated[FiniteFloat, Field(ge=0, le=MOST)] = 1.0
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    missing: Annotated[bool, Field(description="Of tables: whether cells are missing as they were in training.")] = False
    condition: Label = None
    decoding: DecodingMethod | None = None


class Grafted(Options):
    """What others have, on examples that lack it. The picture of a body that is one takes the place of points."""

    points: Points | None = None
    attribute: Annotated[str, Field(description="An attribute of what was learnt from, or a class.")]
    lacking: Annotated[str | None, Field(description="A class or attribute of those without; all others unless given.")] = None
    without: Annotated[
        tuple[str, ...] | Literal["auto"], Field(description="What goes along with it, and is not to be grafted.")
    ] = ()
    strength: Annotated[
        list[FiniteFloat] | FiniteFloat | Literal["guided"],
        Field(description="0 changes nothing; several are a sweep; guided: for each as much as it takes, all else as before."),
    ] = 1.0
    keep: Annotated[
        tuple[str, ...] | Literal["all"] | None,
        Field(description="Of a guided one: attributes that are to stay as they are; all of them unless given."),
    ] = None
    region: Annotated[
        list[FiniteFloat] | Literal["change", "all"],
        Field(description="Where the picture may change: top, left, bottom, right in shares; or where it changes most."),
    ] = "change"
    frame: Annotated[
        list[FiniteFloat] | None, Field(description="Of a picture of its own size, the part that the model is to see.")
    ] = None
    onto: Literal["picture", "reconstruction"] | None = None
    condition: str | None = None

    @field_validator("without", "region", "frame", "strength", "keep", mode="before")
    @classmethod
    def _parted(cls, value: Any) -> Any:
        """Of a query, parts between commas."""
        if not isinstance(value, str) or value in ("auto", "change", "all", "guided"):
            return value
        return [part.strip() for part in value.split(",") if part.strip()]

    @model_validator(mode="after")
    def _kept(self) -> "Grafted":
        if self.keep is not None and not self.guided:
            raise ValueError('keep goes with strength "guided"; with a number, what goes along is taken out by without')
        return self

    @property
    def guided(self) -> bool:
        """Whether each example is to be given as much as it takes."""
        return self.strength == "guided"


# ---------------------------------------------------------------------- what there is


@v1_router.get("", responses=gives(JSON))
async def runs(request: Request) -> Response:
    """The runs that are served, and what each is."""
    return json_response({"runs": [_about(run) for run in request.app.state.runs.values()]})


@v1_router.get("/{run}", responses=gives(JSON))
async def about(run: ChosenRun) -> Response:
    """What a run is: its kind of data, the shape of an example, its dimensions, columns and labels."""
    return json_response(_about(run))


def _about(run: Served) -> dict[str, Any]:
    spec, trained = run.spec, run.trained
    return {
        "name": run.name,
        "kind": spec.kind,
        "shape": spec.shape,
        "dtype": spec.dtype,
        "latent": run.dim,
        "recipe": trained.recipe.name,
        "columns": [column.name for column in spec.named],
        "classes": run.classes,
        "labels": None if trained.labels is None else trained.labels.names,
        "generative": trained.sampler is not None or trained.recipe.generative,
        "detector": run.detector is not None,
    }


@v1_router.get("/{run}/attributes", responses=gives(JSON))
async def attributes(run: ChosenRun) -> Response:
    """What can be grafted: the attributes of what was learnt from, and its classes."""
    rows = await run.long(lambda model: run.rows)
    return json_response({"attributes": list(rows.factors), "classes": rows.classes})


# ---------------------------------------------------------------------- there and back


@v1_router.post("/{run}/encode", openapi_extra=brings(Given, *ARRAYS, *PICTURES, CSV, MIDI), responses=gives(JSON, *ARRAYS))
async def encode(run: ChosenRun, request: Request) -> Response:
    """Codes of examples: the means of q(z | x), (n, D), and its deviations."""
    kind = chosen(request, (JSON, *ARRAYS))
    given, _ = await examples(request, run, Given)
    codes, deviations = await run.encode(given.x, given.told)
    if kind in ARRAYS:
        return Response(npy_of(codes), media_type=kind)
    check_listed(2 * codes.size, run)
    return json_response({"codes": nested(codes), "deviations": nested(deviations), "remarks": given.remarks})


@v1_router.post("/{run}/decode", openapi_extra=brings(Codes, *ARRAYS), responses=gives(*ANY))
async def decode(run: ChosenRun, request: Request) -> Response:
    """What codes (n, D) decode to, in the units of the data."""
    if media(request) in ARRAYS:
        codes = array_of(await request.body(), run.limits)
        condition: Any = request.query_params.get("condition")
    else:
        options = await parsed(request, Codes, run.limits)
        codes, condition = numbers(options.codes, "codes"), options.condition
    z = run.trained.codes(codes)
    x = await run.decode(z, run.trained.told(condition, None, len(z)))
    return await _made(run, Decoded(z, x, run.spec)).response(request, run)


@v1_router.post("/{run}/reconstruct", openapi_extra=brings(Reconstructed, *ARRAYS, *PICTURES, CSV, MIDI), responses=gives(*ANY))
async def reconstruct(run: ChosenRun, request: Request) -> Response:
    """Examples, encoded and decoded again."""
    given, options = await examples(request, run, Reconstructed)
    how = decoding_named(options.decoding)
    run.trained.check_chosen(how)
    if how is None:
        x = await run.reconstruct(given.x, given.told)
    else:
        x = await run.long(lambda model: model.trained_.reconstruct(given.x, given.told, how, 0))
    return await _made(run, _bare(x, run), remarks=given.remarks).response(request, run)


@v1_router.post("/{run}/impute", openapi_extra=brings(Given, *ARRAYS, CSV), responses=gives(*ANY))
async def impute(run: ChosenRun, request: Request) -> Response:
    """Examples with what the model thinks where a value is missing; what is there stays as it is."""
    run.trained.check_valued("impute")
    given, _ = await examples(request, run, Given)
    answer = await run.long(lambda model: model.impute(given.X, condition=given.condition))
    x = await run.long(lambda model: model.trained_.given(answer))
    return await Made(_bare(x, run), {"remarks": given.remarks}, lambda: answer).response(request, run)


@v1_router.post("/{run}/score", openapi_extra=brings(Scored, *ARRAYS, *PICTURES, CSV, MIDI), responses=gives(JSON, *ARRAYS))
async def score(run: ChosenRun, request: Request) -> Response:
    """How likely examples are: a lower bound on log p(x) in nats, (n,); a plain autoencoder's log p(x | z) is none."""
    kind = chosen(request, (JSON, *ARRAYS))
    given, options = await examples(request, run, Scored)
    draws = options.draws
    if draws * len(given.x) > DRAWN:
        raise DataError(f"{draws:,} draws for {len(given.x):,} examples: at most {DRAWN:,} are made at once. Send fewer.")
    if draws == 1:
        scores = await run.score(given.x, given.told)
    else:
        scores = await run.long(lambda model: model.trained_.bounds(given.x, draws, given.told))
    if kind in ARRAYS:
        return Response(npy_of(scores), media_type=kind)
    said = {"scores": nested(scores), "remarks": given.remarks}
    if options.each:
        check_listed(given.x.size, run)
        values = await run.long(lambda model: model.score_each(given.X, condition=given.condition))
        said["each"] = _values(values)
    return json_response(said)


@v1_router.post("/{run}/anomalies", openapi_extra=brings(Given, *ARRAYS, *PICTURES, CSV, MIDI), responses=gives(JSON))
async def anomalies(run: ChosenRun, request: Request) -> Response:
    """Which examples do not belong, by the run's detector: scores, how far they lie above the line, and what is to blame."""
    detector = run.detector
    if detector is None:
        raise Refused(409, f"{run.name} is no detector. Make one: latentwalk anomalies DATA --run FOLDER, and serve that.")
    given, _ = await examples(request, run, Given)

    def look(model: Autoencoder) -> tuple[Array, float, Any]:
        return detector.score_samples(given.X), detector.offset_, detector.blame(given.X)

    check_listed(given.x.size, run)
    scores, line, blame = await run.long(look)
    above = scores - line
    return json_response(
        {
            "scores": nested(scores),
            "decision": nested(above),
            "strange": nested(above < 0),
            "blame": _values(blame),
            "remarks": given.remarks,
        }
    )


# ---------------------------------------------------------------------- moves


@v1_router.post("/{run}/sample", openapi_extra=brings(Sampled), responses=gives(*ANY))
async def sample(run: ChosenRun, request: Request) -> Response:
    """New examples, drawn from the run's sampler, or another."""
    o = await parsed(request, Sampled, run.limits)
    run.check_count(o.count, "examples")

    def draw(model: Autoencoder) -> Array:
        source: Any = o.source
        if source not in (None, "fitted", "prior"):
            source = cast(Any, run.space.sampler(source)).at(o.temperature)
        how = decoding_named(o.decoding)
        return model.trained_.sample(o.count, o.temperature, source, o.condition, o.seed, missing=o.missing, decoding=how)

    x, remarks = await _heard(run, draw)
    return await _made(run, _bare(x, run), remarks=remarks).response(request, run)


@v1_router.post("/{run}/walk", openapi_extra=brings(Walked), responses=gives(*ANY))
async def walk(run: ChosenRun, request: Request) -> Response:
    """A way through points, decoded: a strip (PNG), a film (GIF), or the steps, and which of them lie in holes."""
    o = await parsed(request, Walked, run.limits)
    run.check_count(o.steps or 10 * len(o.points) + 1, "steps")

    def go(model: Autoencoder) -> tuple[Walk, Any, str]:
        space = _space(run, o.condition, needed=o.path == "density")
        way = space.journey([_code(space, run, point) for point in o.points], o.steps, o.path, loop=o.loop)
        return way, way.marked, way.reading

    (way, holes, reading), remarks = await _heard(run, go)
    said = {"codes": nested(way.z), "holes": nested(holes), "reading": reading, "remarks": remarks}
    return await _made(run, way, film=True, **said).response(request, run)


@v1_router.post("/{run}/blend", openapi_extra=brings(Blended), responses=gives(*ANY))
async def blend(run: ChosenRun, request: Request) -> Response:
    """Several points in one, decoded."""
    o = await parsed(request, Blended, run.limits)

    def mix(model: Autoencoder) -> Decoded:
        space = _space(run, o.condition, needed=False)
        place = _example_or_code if o.how == "product" else _code
        one = space.blend([place(space, run, point) for point in o.points], o.weights, o.how)
        return Decoded(one.z[None], one.x[None], one.spec, one.painter)

    found, remarks = await _heard(run, mix)
    return await _made(run, found, codes=nested(found.z), remarks=remarks).response(request, run)


@v1_router.post("/{run}/graft", openapi_extra=brings(Grafted, *PICTURES), responses=gives(*ANY, "image/webp", "image/jpeg"))
async def graft(run: ChosenRun, request: Request) -> Response:
    """What others have, on examples, or on a picture at its own size, whose pixels stay where nothing changes."""
    kind = media(request)
    if kind not in PICTURES:
        return await _graft_examples(run, request, await parsed(request, Grafted, run.limits))
    o = queried(request, Grafted)
    ending = {"image/png": ".png", "image/webp": ".webp", "image/jpeg": ".jpg"}
    as_what = chosen(request, (kind, *(one for one in ending if one != kind)))
    content = await request.body()

    def change(model: Autoencoder) -> bytes:
        space = _space(run, o.condition, needed=True)
        picture = picture_of(content, kind, run.limits)
        made = space.graft(picture, _direction(run, space, o), _amount(o), **_where(o), frame=o.frame)
        return made.content(ending[as_what])

    made, _ = await _heard(run, change)
    return Response(made, media_type=as_what)


async def _graft_examples(run: Served, request: Request, o: Grafted) -> Response:
    if o.points is None:
        raise DataError("say onto what: points, or a picture as the body, with these options in the query.")
    points = o.points
    run.check_count(len(points) * (len(o.strength) if isinstance(o.strength, list) else 1), "examples")

    def change(model: Autoencoder) -> tuple[Decoded, Direction]:
        space = _space(run, o.condition, needed=True)
        step = _direction(run, space, o)
        found = [_example_or_code(space, run, point) for point in points]
        shapes = {np.shape(one) for one in found}
        if len(shapes) > 1:
            raise DataError("points to graft onto are all codes, or all examples.")
        return space.graft(np.stack(found), step, _amount(o), **_where(o)), step

    (made, step), remarks = await _heard(run, change)
    said = {"reading": step.reading} if step.guide is None else {"reading": step.reading, "kept": list(step.guide.kept)}
    return await _made(run, made, codes=nested(made.z), **said, remarks=remarks).response(request, run)


@v1_router.get("/{run}/diagnose", responses=gives(JSON))
async def diagnose(run: ChosenRun) -> Response:
    """What is wrong with the model, in plain words, each with the one change to try. The first time it takes a minute."""
    found, remarks = await _heard(run, lambda model: run.diagnosis.to_json())
    return json_response(jsonable({**found, "remarks": remarks}))


# ---------------------------------------------------------------------- inside


async def _heard(run: Served, work: Callable[[Autoencoder], T]) -> tuple[T, tuple[str, ...]]:
    """What is done in a while, and the warnings it gave."""

    def done(model: Autoencoder) -> tuple[T, tuple[str, ...]]:
        with heard() as remarks:
            found = work(model)
        return found, tuple(remarks)

    return await run.long(done)


def _bare(x: Array, run: Served) -> Decoded:
    """Examples whose codes are not told."""
    return Decoded(np.zeros((len(x), run.dim), np.float32), x, run.spec)


def _made(run: Served, decoded: Decoded | Walk, *, film: bool = False, **said: Any) -> Made:
    """Decoded points as an answer."""
    return Made(decoded, said, lambda: run.trained.framed(np.asarray(decoded.x).reshape(-1, *run.spec.shape)), film)


def _values(answer: Any) -> Any:
    """What is said of each value: nested lists, or of a frame records."""
    return records_of(answer) if is_frame(answer) else nested(answer)


def _space(run: Served, condition: str | None, *, needed: bool) -> LatentSpace:
    space = run.around(needed=needed)
    return space if condition is None else space.under(condition)


def _example_or_code(space: LatentSpace, run: Served, point: Point) -> Array:
    """A point as an example (*E), or as the code (D,) that it is. Raises ConfigError, DataError."""
    if point.code is not None:
        return run.trained.codes([point.code])[0]
    if point.row is not None:
        if point.row >= len(run.rows):
            raise DataError(f"row {point.row}: there are {len(run.rows):,} rows, from 0 on.")
        return np.asarray(run.rows.x[point.row])
    if point.label is not None:
        return np.asarray(run.space.data[run.space.typical(point.label)])
    if point.text is not None:
        X: Any = [point.text]
    elif point.record is not None:
        X = frame_of([point.record], run.spec)
    else:
        X = numbers([point.x], "x", run.spec)
    return run.trained.given(run.narrowed(X))[0]


def _code(space: LatentSpace, run: Served, point: Point) -> Array:
    """A point as a code (D,)."""
    found = _example_or_code(space, run, point)
    if point.code is not None:
        return found
    assert space.encode is not None
    return space.encode(found[None])[0][0]


def _direction(run: Served, space: LatentSpace, o: Grafted) -> Direction:
    """The direction that is asked for; one with a guide, which takes long to learn, is kept for a while."""
    if not o.guided:
        return space.direction(o.attribute, o.lacking, without=o.without)
    keep = "all" if o.keep is None else o.keep
    asked = ("direction", o.attribute, o.lacking, o.without, keep, o.condition)
    return run.kept(asked, lambda: space.direction(o.attribute, o.lacking, without=o.without, keep=keep))


def _amount(o: Grafted) -> Any:
    """The strengths; one that stands alone in a list is one."""
    return o.strength[0] if isinstance(o.strength, list) and len(o.strength) == 1 else o.strength


def _where(o: Grafted) -> dict[str, Any]:
    region = None if o.region == "all" else o.region
    return {"region": tuple(region) if isinstance(region, list) else region, "onto": o.onto}
