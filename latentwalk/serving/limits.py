"""How much a server takes, keeps waiting and gives, and for how long."""

from dataclasses import dataclass, fields

from latentwalk.checks import positive

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a server. Bytes, counts and seconds, all above 0. Raises ConfigError.

    body: bytes of a request. text: bytes of one in JSON or CSV, which takes many times its size once it is read.
    memory: bytes of all requests that are being read or answered.
    rows: examples in a request, or asked for. values: numbers in a request or an answer; in JSON, `listed`.
    pixels: of a picture that is sent, or a frame of a film. frames: of a film that are read.
    queue: requests that wait for a model. batch: rows of small requests that are done at once.
    requests: being read or answered.
    patience: seconds that a request waits for its codes or examples. long: for walks, grafts and all that is not at once.
    reading: until a body is there; and that the frames of a film take to be decoded. head: until the head of a request is.
    writing: for a client that reads nothing. idle: for a connection without a request. closing: for requests under way, once
    the server is to end.
    """

    body: int = 64 * 2**20
    text: int = 8 * 2**20
    memory: int = 256 * 2**20
    rows: int = 10_000
    values: int = 2**24
    listed: int = 2**21
    pixels: int = 2**24
    frames: int = 1_000
    queue: int = 256
    batch: int = 64
    requests: int = 512
    patience: float = 10.0
    long: float = 120.0
    reading: float = 20.0
    head: float = 10.0
    writing: float = 20.0
    idle: float = 15.0
    closing: float = 5.0

    def __post_init__(self) -> None:
        for one in fields(self):
            positive(one.name, getattr(self, one.name))
