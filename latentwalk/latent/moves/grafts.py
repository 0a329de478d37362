"""Transplants: an example moved along a direction, in the picture it came from.

    onto="reconstruction"    decode(z + s d)                     what the decoder can draw, and nothing else
    onto="picture"           x + m (decode(z + s d) - decode(z))   x itself, and on it what the step changes

A decoder loses what its code has no room for: the pattern of a shirt, the very look of an eye. The second way asks it for the
change alone, so nothing else is lost, and a strength of 0 gives back the very picture. m is the region: where the change is
strong unless given, so that what it hardly touches is not touched at all.

A picture need not be of the model's size: the model sees a small copy of it, by which a guide chooses its step, too, and the
change is enlarged before it is added.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from latentwalk.arrays import Array
from latentwalk.data.original import Original
from latentwalk.data.spec import DataSpec
from latentwalk.errors import ConfigError, unknown
from latentwalk.latent.decoded import Decoded
from latentwalk.latent.encoded import Encoded
from latentwalk.latent.moves.directions import Direction

__all__ = ["Onto", "Strength", "Where", "changed_part", "mask", "transplant"]

Onto = Literal["picture", "reconstruction"]
Where = ArrayLike | Literal["change"] | None
Strength = ArrayLike | Literal["guided"]
Steps = Callable[[Array], Array]  # codes (*N, D) → the step of each, (*N, D), or (D,) for all
SOFT = 0.2  # the share of a box's side over which its edge fades in
NEAR = 1 / 16  # the same of what a model sees of a picture, where it is only a part
WIDE = 1 / 32  # of the longer side: the deviation of the Gaussian by which the size of a change is smoothed
WEAK, STRONG = 0.15, 0.45  # shares of the largest change, up to which it is left out, and from which on it is whole


def transplant(
    space: Encoded,
    x: Any,
    direction: Direction | ArrayLike,
    strength: Strength = 1.0,
    region: Where = "change",
    onto: Onto | None = None,
    frame: ArrayLike | None = None,
) -> Any:
    """See `LatentSpace.graft`."""
    guided = isinstance(strength, str) and strength == "guided"
    step, strengths = _checked_step(space, direction), _checked_strengths(1.0 if guided else strength)
    steps = _guided(space, direction) if guided else lambda codes: step
    x = space.rows_of(x)
    found = _pictures(space, x)
    if isinstance(found, list):
        return [_onto_picture(space, one, steps, strengths, region, onto, frame) for one in found]
    if found is not None:
        return _onto_picture(space, found, steps, strengths, region, onto, frame)
    if frame is not None:
        raise ConfigError("frame= is for a picture of its own size; this is an example, of which the model sees all.")
    return _onto_example(space, x, steps, strengths, region, onto)


def _onto_example(space: Encoded, x: Any, steps: Steps, strengths: Array, region: Where, onto: Onto | None) -> Decoded:
    """What has the model's size, or is a code."""
    codes, pictures = _places(space, x)
    spec = space.spec
    onto = onto or ("picture" if pictures is not None and spec is not None and spec.form.pictured else "reconstruction")
    _check_onto(onto, spec, pictures)
    z = codes + strengths.reshape(*strengths.shape, *[1] * codes.ndim) * steps(codes)  # (*S, *N, D)
    drawn = _decoded(space, z)
    if onto == "reconstruction" and (region is None or _of_change(region)):
        return Decoded(z, drawn, spec)
    plain = _decoded(space, codes)
    change = drawn - plain
    if _of_change(region):
        assert spec is not None
        weights = changed_part(change.reshape(-1, *spec.shape), spec)
        change = _spread(weights.reshape(*change.shape[: -len(spec.shape)], *weights.shape[1:]), spec) * change
    elif region is not None:
        change = _spread(mask(region, spec), spec) * change
    if onto == "reconstruction":
        return Decoded(z, plain + change, spec)
    assert pictures is not None and spec is not None
    return Decoded(z, np.clip(pictures.astype(np.float32) + change, spec.low, spec.high), spec)


def _onto_picture(
    space: Encoded, picture: Original, steps: Steps, strengths: Array, region: Where, onto: Onto | None, frame: ArrayLike | None
) -> Decoded:
    """A picture of any size."""
    spec = space.spec
    if spec is None or not spec.form.pictured or space.encode is None:
        raise ConfigError(f"{picture.name} is a picture; this space {'encodes nothing' if spec else 'does not know pictures'}.")
    example = picture.seen(spec, frame)
    if onto == "reconstruction":
        return _onto_example(space, example, steps, strengths, region, onto)
    _check_onto(onto or "picture", spec, example)
    code = space.encode(example[None])[0][0]
    z = (code + strengths.reshape(*strengths.shape, 1) * steps(code)).astype(np.float32)
    change = (_decoded(space, z.reshape(-1, space.dim)) - _decoded(space, code)) / ((spec.high - spec.low) or 1.0)
    change[strengths.ravel() == 0] = 0  # whatever rounding says
    made = [_put(picture, one, spec, region, frame) for one in spec.channels_last(change)]
    whole = np.stack(made).reshape(*strengths.shape, *made[0].shape)
    return Decoded(z, whole, picture.spec, onto=picture)


def _put(picture: Original, change: Array, spec: DataSpec, region: Where, frame: ArrayLike | None) -> Array:
    """The picture with a change (h, w, C) of what is seen of it, in shares of the range."""
    if not change.any():
        return picture.as_given()
    weights = picture.fading(change.shape[:2], frame, NEAR)
    if _of_change(region):
        own = changed_part(change[None], replace(spec, shape=change.shape, layout="HWC"))[0]
        weights = weights * picture.enlarged(own, frame, smooth=False)
    elif region is not None:
        height, width = picture.levels.shape[:2]
        weights = weights * mask(region, replace(picture.spec, shape=(height, width), layout="HW"))
    return picture.altered(picture.enlarged(change, frame), weights)


def _pictures(space: Encoded, x: Any) -> Original | list[Original] | None:
    """The pictures of a size of their own that are meant; None for what is an example, or none at all."""
    if isinstance(x, Original):
        return x
    if isinstance(x, (str, os.PathLike, Image.Image)):
        return Original.of(x)
    spec = space.spec
    if spec is None or not spec.form.pictured:
        return None
    if isinstance(x, (list, tuple)) and x and not isinstance(x[0], (int, float, np.number)):
        shapes = {np.shape(one) for one in x if isinstance(one, np.ndarray)}
        if len(shapes) > 1 or any(isinstance(one, (str, os.PathLike, Image.Image)) for one in x):
            return [_picture(one, spec) for one in x]
        x = np.stack(x) if shapes and all(isinstance(one, np.ndarray) for one in x) else x
    if not isinstance(x, np.ndarray) or x.shape == spec.shape or (x.shape[1:] == spec.shape and len(x)):
        return None
    if x.dtype != np.uint8 and (x.ndim < len(spec.shape) or x.shape[1:] == (space.dim,)):
        return None  # codes, or numbers that are no picture like those learnt from
    if x.ndim == 4 and len(x):
        return [_picture(one, spec) for one in x]
    return Original.of_array(x, spec)


def _picture(x: Any, spec: DataSpec) -> Original:
    if isinstance(x, (str, os.PathLike, Image.Image)):
        return Original.of(x)
    found = Original.of_array(np.asarray(x), spec)
    if found is None:
        raise ConfigError(f"expected a picture (H, W), (H, W, 3) or one of Pillow's, or its path; got shape {np.shape(x)}.")
    return found


def changed_part(change: Array, spec: DataSpec) -> NDArray[np.float32]:
    """Where changes (n, *E) of images are strong, as weights (n, H, W) from 0 to 1, soft between."""
    size = np.sqrt(np.square(spec.channels_last(change)).mean(axis=-1))  # (n, H, W)
    size = gaussian_filter(size, (0, *[WIDE * max(size.shape[1:])] * 2), mode="nearest")
    largest = size.max(axis=(1, 2), keepdims=True)
    share = np.divide(size, largest, out=np.zeros_like(size), where=largest > 0)
    t = ((share - WEAK) / (STRONG - WEAK)).clip(0, 1)
    found: NDArray[np.float32] = (t * t * (3 - 2 * t)).astype(np.float32)
    return found


def _of_change(region: Where) -> bool:
    if isinstance(region, str) and region != "change":
        raise ConfigError(
            f"region={region!r}: a region is a box (top, left, bottom, right), a mask, 'change' (where the picture "
            "changes most), or None (all of it)."
        )
    return isinstance(region, str)


def mask(region: ArrayLike, spec: DataSpec | None) -> NDArray[np.float32]:
    """A region as weights (H, W) in [0, 1]: what is given, or the inside of a box, whose edge is soft.

    region: (H, W) weights, or (top, left, bottom, right) in shares of the sides, from 0 to 1. A box fades in within itself, but
    not where it meets the picture's border. Raises ConfigError.
    """
    if spec is None or not spec.form.pictured:
        raise ConfigError(f"a region is a part of an image; this is {'not known to be one' if spec is None else spec.kind}.")
    height, width = spec.event[1:]
    try:
        given = np.asarray(region, dtype=np.float32)
    except (TypeError, ValueError):
        given = np.full(0, np.nan, np.float32)
    if given.shape == (4,):
        top, left, bottom, right = given
        whole = np.outer(_profile(height, top, bottom), _profile(width, left, right)).astype(np.float32)
        if not (0 <= top < bottom <= 1 and 0 <= left < right <= 1 and whole.any()):
            raise ConfigError(
                f"region={region!r}: expected top, left, bottom, right in shares of the sides, 0 <= top < bottom <= 1 and "
                f"0 <= left < right <= 1, with some of the {height} x {width} pixels inside. For example (.6, .25, .8, .75)."
            )
        return whole
    if given.shape != (height, width) or not ((given >= 0) & (given <= 1)).all():
        raise ConfigError(
            f"a region is a box (top, left, bottom, right) or a mask ({height}, {width}) of weights from 0 to 1; got shape "
            f"{given.shape}{f', from {given.min():g} to {given.max():g}' if given.size else ''}."
        )
    return given


def _profile(size: int, low: float, high: float) -> Array:
    """How far inside [low, high] each of `size` pixels' centres lies: 0 outside, 1 well inside; smooth between."""
    at, soft = (np.arange(size) + 0.5) / size, max(SOFT * (high - low), 1e-6)
    inside = np.minimum((at - low) / soft if low > 0 else np.inf, (high - at) / soft if high < 1 else np.inf)
    t = np.clip(np.broadcast_to(inside, size), 0, 1)
    return t * t * (3 - 2 * t)


def _spread(weights: Array, spec: DataSpec | None) -> Array:
    """Weights (…, H, W), as they multiply images of this layout."""
    layout = "HW" if spec is None else spec.layout
    return {"HWC": weights[..., None], "CHW": weights[..., None, :, :]}.get(layout, weights)


def _places(space: Encoded, x: Any) -> tuple[Array, Array | None]:
    """Codes (*N, D), and the pictures (*N, *E) they are of; None for what came as codes. N is none for a single point."""
    if isinstance(x, (int, np.integer)):
        return space.code(x), np.asarray(space.data[x])
    array, event = _array(x), space.data.shape[1:]
    if space.serial and space.encode is not None and array.dtype.kind in "iu" and array.shape[-1:] == event:
        return space.encode(array.reshape(-1, *event))[0].reshape(*array.shape[:-1], space.dim), array
    if array.shape[1:] == (space.dim,) and array.ndim == 2 and len(array) and array.shape != event:
        return np.stack([space.code(one) for one in array]), None
    if array.shape[1:] == event and space.encode is not None and array.ndim == 1 + len(event) and len(array):
        return space.encode(array)[0], array
    return space.code(x), array if array.shape == event != (space.dim,) else None


def _array(x: Any) -> Array:
    try:
        return np.asarray(x)
    except ValueError:  # ragged: `space.code` says what a point is
        return np.empty(0)


def _decoded(space: Encoded, z: Array) -> Array:
    x = space.decode(z.reshape(-1, space.dim).astype(np.float32))
    return x.reshape(*z.shape[:-1], *x.shape[1:])


def _checked_step(space: Encoded, direction: Direction | ArrayLike) -> NDArray[np.float32]:
    if isinstance(direction, Direction) and direction.model and space.model and direction.model != space.model:
        raise ConfigError(
            f"the direction {direction.name!r} was found with another model, whose codes mean other things. "
            "Find it again in this space: space.direction(…)."
        )
    step = np.asarray(direction, dtype=np.float32)
    if step.shape != (space.dim,):
        raise ConfigError(f"expected a direction of shape ({space.dim},), got {step.shape}.")
    if not np.isfinite(step).all():
        raise ConfigError(f"expected a direction of finite numbers, got {step}.")
    return step


def _guided(space: Encoded, direction: Direction | ArrayLike) -> Steps:
    """The step of each example by itself, as its guide finds it. Raises ConfigError where there is none."""
    guide = direction.guide if isinstance(direction, Direction) else None
    if guide is None:
        raise ConfigError('strength="guided" needs a direction that was found with keep=: direction(…, keep="all").')
    return lambda codes: guide.steps(space, codes.reshape(-1, space.dim)).reshape(codes.shape)


def _checked_strengths(strength: ArrayLike) -> NDArray[np.float32]:
    try:
        strengths = np.asarray(strength, dtype=np.float32)
    except (TypeError, ValueError):
        strengths = np.full(0, np.nan, np.float32)
    if strengths.ndim > 1 or strengths.size == 0 or not np.isfinite(strengths).all():
        raise ConfigError(f"strength={strength!r}: expected a finite number, several, or 'guided'.")
    return strengths


def _check_onto(onto: str, spec: DataSpec | None, pictures: Array | None) -> None:
    if onto not in get_args(Onto):
        raise unknown("ground (onto=)", onto, get_args(Onto))
    if onto == "picture" and (spec is None or not spec.form.pictured):
        raise ConfigError("onto='picture' is for images; these are none. Use onto='reconstruction'.")
    if onto == "picture" and pictures is None:
        raise ConfigError("onto='picture' needs a picture, and got a code. Give a row or an example, or onto='reconstruction'.")
