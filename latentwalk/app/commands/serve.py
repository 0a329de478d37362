"""`latentwalk serve`: a model behind an address."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from latentwalk import app
from latentwalk.app.options import AllowedHosts, DataAgain, Host, Port, Token
from latentwalk.app.output import say

__all__ = ["serve"]


def serve(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN…", help="Folders of trained models.", show_default=False)],
    host: Host = "127.0.0.1",
    port: Port = 8000,
    token: Token = None,
    allow_host: AllowedHosts = None,
    data: DataAgain = None,
) -> None:
    """Serve models by HTTP, to programs that know their protocol already.

    The Open Inference Protocol (v2, REST; Triton's client speaks it), /invocations as MLflow and SageMaker ask, and /v1 with
    all that can be done with a run: /docs lists it.

    Answers this machine alone unless --host names another address; then every request is to bring a token.

    \b
    Examples:
      latentwalk serve run
      latentwalk serve digits faces --port 9000
      latentwalk serve run --host 0.0.0.0 --allow-host models.example.org
    """
    served = app.served.served_runs(runs, data)
    from latentwalk.serving.application import application
    from latentwalk.serving.limits import Limits

    address = app.served.Address.of(host, port, token, allow_host or ())
    for run in served.values():
        run.warm_up()
        say(f"{run.name}: {run.spec.kind}, {run.dim} dimensions")
    address.serve(partial(application, served), Limits())
