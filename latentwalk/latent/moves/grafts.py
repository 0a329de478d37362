"""Transplants: an example moved along a direction, in the picture it came from.

    onto="reconstruction"    decode(z + s d)                     what the decoder can draw, and nothing else
    onto="picture"           x + m (decode(z + s d) - decode(z))   x itself, and on it what the step changes

A decoder loses what its code has no room for: the pattern of a shirt, the very look of an eye. The second way asks it for the
change alone, so nothing else is lost, and a strength of 0 gives back the very picture. m is the region: 1 everywhere unless
given.
"""

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentwalk.arrays import Array
from latentwalk.data.spec import DataSpec
from latentwalk.errors import ConfigError, unknown
from latentwalk.latent.decoded import Decoded
from latentwalk.latent.encoded import Encoded
from latentwalk.latent.moves.directions import Direction

__all__ = ["Onto", "mask", "transplant"]

Onto = Literal["picture", "reconstruction"]
SOFT = 0.2  # the share of a box's side over which its edge fades in


def transplant(
    space: Encoded,
    x: Any,
    direction: Direction | ArrayLike,
    strength: ArrayLike = 1.0,
    region: ArrayLike | None = None,
    onto: Onto | None = None,
) -> Decoded:
    """See `LatentSpace.graft`."""
    step, strengths = _checked_step(space, direction), _checked_strengths(strength)
    codes, pictures = _places(space, x)
    spec = space.spec
    onto = onto or ("picture" if pictures is not None and spec is not None and spec.form.pictured else "reconstruction")
    _check_onto(onto, spec, pictures)
    z = codes + strengths.reshape(*strengths.shape, *[1] * codes.ndim) * step  # (*S, *N, D)
    drawn = _decoded(space, z)
    if onto == "reconstruction" and region is None:
        return Decoded(z, drawn, spec)
    plain = _decoded(space, codes)
    change = drawn - plain if region is None else _spread(mask(region, spec), spec) * (drawn - plain)
    if onto == "reconstruction":
        return Decoded(z, plain + change, spec)
    assert pictures is not None and spec is not None
    return Decoded(z, np.clip(pictures.astype(np.float32) + change, spec.low, spec.high), spec)


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
    """Weights (H, W), as they multiply images of this layout."""
    layout = "HW" if spec is None else spec.layout
    return {"HWC": weights[..., None], "CHW": weights[None]}.get(layout, weights)


def _places(space: Encoded, x: Any) -> tuple[Array, Array | None]:
    """Codes (*N, D), and the pictures (*N, *E) they are of; None for what came as codes. N is none for a single point."""
    if isinstance(x, (int, np.integer)):
        return space.code(x), np.asarray(space.data[x])
    array, event = _array(space.rows_of(x)), space.data.shape[1:]
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


def _checked_strengths(strength: ArrayLike) -> NDArray[np.float32]:
    try:
        strengths = np.asarray(strength, dtype=np.float32)
    except (TypeError, ValueError):
        strengths = np.full(0, np.nan, np.float32)
    if strengths.ndim > 1 or strengths.size == 0 or not np.isfinite(strengths).all():
        raise ConfigError(f"strength={strength!r}: expected a finite number, or several.")
    return strengths


def _check_onto(onto: str, spec: DataSpec | None, pictures: Array | None) -> None:
    if onto not in get_args(Onto):
        raise unknown("ground (onto=)", onto, get_args(Onto))
    if onto == "picture" and (spec is None or not spec.form.pictured):
        raise ConfigError("onto='picture' is for images; these are none. Use onto='reconstruction'.")
    if onto == "picture" and pictures is None:
        raise ConfigError("onto='picture' needs a picture, and got a code. Give a row or an example, or onto='reconstruction'.")
