"""What went wrong, as RFC 9457 has it: application/problem+json, with our errors' own sentences.

    {"type": "about:blank", "title": "Unprocessable Content", "status": 422, "detail": "expected codes (n, 2), got …"}

Answers of the Open Inference Protocol say it under "error" as well, where its clients look.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from latentwalk.errors import CheckpointError, ConfigError, DataError, LatentwalkError, NotGenerativeError, TrainingError
from latentwalk.plain import plain
from latentwalk.serving.lanes import Saturated

__all__ = ["PROBLEM", "PROBLEM_SCHEMA", "Refused", "problem", "problem_of", "says_error"]

PROBLEM = "application/problem+json"
STATUS: dict[type[LatentwalkError], int] = {
    DataError: 422,
    ConfigError: 422,
    NotGenerativeError: 409,
    CheckpointError: 500,
    TrainingError: 500,
    Saturated: 503,
}  # of each of our errors
PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "error": {"type": "string"},
    },
}
TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}  # as RFC 9110 has them, whatever Python calls them


class Refused(LatentwalkError):
    """A request that is not answered. status: as HTTP has it. headers: that go with the answer."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.headers = status, dict(headers or {})


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None, *, error: bool = False) -> Response:
    """The answer that says so. error: whether it is said under "error", too."""
    said: dict[str, Any] = {
        "type": "about:blank",
        "title": TITLES.get(status) or HTTPStatus(status).phrase,
        "status": status,
        "detail": plain(detail),
    }
    content = json.dumps(said | ({"error": said["detail"]} if error else {})).encode()
    return Response(content, status, dict(headers or {}), PROBLEM)


def says_error(path: str) -> bool:
    """Whether who asks for this looks for what went wrong under "error"."""
    return path.startswith("/v2")


def problem_of(error: LatentwalkError, *, told: bool = False) -> Response:
    """The answer for one of our errors. told: as `error` of `problem`."""
    if isinstance(error, Refused):
        return problem(error.status, str(error), error.headers, error=told)
    status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)
    again = {"Retry-After": str(error.again)} if isinstance(error, Saturated) else {}
    return problem(status, str(error), again, error=told)
