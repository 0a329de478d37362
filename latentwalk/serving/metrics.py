"""What is counted, as Prometheus reads it."""

from collections.abc import Mapping

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from starlette.types import Scope

from latentwalk.serving.served import Served

__all__ = ["Metrics"]

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """Counts of one application: requests by route, method and status, how long they took, and how many wait for each run."""

    media_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        labels = ("method", "route", "status")
        self.requests = Counter("latentwalk_requests", "Requests answered.", labels, registry=self.registry)
        self.seconds = Histogram(
            "latentwalk_request_seconds", "Seconds a request took.", ("route",), buckets=SECONDS, registry=self.registry
        )
        self.waiting = Gauge("latentwalk_waiting", "Requests that wait for a model.", ("run",), registry=self.registry)
        self.rows = Gauge(
            "latentwalk_rows_done", "Rows done in the thread of small requests.", ("run",), registry=self.registry
        )
        self.calls = Gauge("latentwalk_calls_done", "Calls of the model that they took.", ("run",), registry=self.registry)

    def seen(self, scope: Scope, status: int, seconds: float) -> None:
        """Count an answer. A route is counted by its pattern, since paths are others' words, and without end."""
        route = getattr(scope.get("route"), "path", "")
        self.requests.labels(scope["method"] if route else "", route, status).inc()
        self.seconds.labels(route).observe(seconds)

    def text(self, runs: Mapping[str, Served]) -> bytes:
        """All of it, in Prometheus' text format."""
        for name, run in runs.items():
            self.waiting.labels(name).set(run.waiting)
            self.rows.labels(name).set(run.quick.rows_done)
            self.calls.labels(name).set(run.quick.calls_done)
        return generate_latest(self.registry)
