"""What tests of training share."""

import multiprocessing
from multiprocessing.context import ForkServerContext

import pytest


@pytest.fixture(scope="session")
def processes() -> ForkServerContext:
    """Makes processes in no time, each a fork of one that has read PyTorch and has no threads."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["latentwalk.estimators.autoencoder", "torch.distributed", "torch._dynamo"])
    return context
