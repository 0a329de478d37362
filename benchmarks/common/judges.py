"""Judges of grafts: small convolutional networks that read factors or attributes off pictures, trained on real or drawn ones.

They never see what a decoder makes while they learn, so what they read there is what anyone would. Bytes (n, H, W, 3) come in.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

Array = NDArray[Any]
Loss = Callable[[Tensor, Tensor], Tensor]  # outputs (B, K), row numbers (B,) → ()
CHANNELS = (32, 64, 96, 128)
HIDDEN = 256
BATCH = 128


class Judge(nn.Module):
    """Pictures (B, 3, H, W) in [0, 1] → outputs (B, K): strided convolutions, a hidden layer of 256, a linear one."""

    def __init__(self, side: int, outputs: int, dropout: float = 0.0) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in zip((3, *CHANNELS), CHANNELS, strict=False):
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
            side = -(-side // 2)
        self.hidden = nn.Sequential(*layers, nn.Flatten(), nn.Linear(CHANNELS[-1] * side**2, HIDDEN), nn.ReLU())
        self.last = nn.Sequential(nn.Dropout(dropout), nn.Linear(HIDDEN, outputs))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.last(self.hidden(x))
        return y


def judge(
    path: Path, x: Array, outputs: int, loss: Loss, epochs: int, *, mirrored: bool = False, dropout: float = 0.0
) -> Judge:
    """The judge saved at `path`, or one trained on pictures x (n, H, W, 3), Adam with a one-cycle rate; saved there then.

    mirrored: each picture is turned left to right half of the times it is seen.
    """
    torch.manual_seed(0)
    made = Judge(x.shape[1], outputs, dropout).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if path.exists():
        made.load_state_dict(load_file(path))
        return made.eval()
    pictures, steps = torch.from_numpy(np.ascontiguousarray(np.moveaxis(x, -1, 1))), len(x) // BATCH
    adam = torch.optim.AdamW(made.parameters(), weight_decay=1e-2)
    rate = torch.optim.lr_scheduler.OneCycleLR(adam, 2e-3, total_steps=epochs * steps)
    for _ in range(epochs):
        order = torch.randperm(len(x))
        for step in range(steps):
            rows = order[step * BATCH : (step + 1) * BATCH]
            batch = _scaled(pictures[rows])
            if mirrored:
                batch = torch.where((torch.rand(len(rows)) < 0.5)[:, None, None, None], batch.flip(-1), batch)
            with torch.autocast("cpu", torch.bfloat16):
                found = made(batch.contiguous(memory_format=torch.channels_last))
            adam.zero_grad(set_to_none=True)
            loss(found.float(), rows).backward()
            adam.step()
            rate.step()
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in made.state_dict().items()}, path)
    return made.eval()


def read(made: Judge, x: Array) -> tuple[Array, Array]:
    """Outputs (n, K) and hidden activations (n, 256) for pictures (n, H, W, 3), values 0 to 255."""
    outputs, hidden = [], []
    with torch.no_grad():
        for start in range(0, len(x), 500):
            batch = _scaled(torch.from_numpy(np.moveaxis(np.asarray(x[start : start + 500], np.float32), -1, 1)))
            hidden.append(made.hidden(batch))
            outputs.append(made.last(hidden[-1]))
    return torch.cat(outputs).numpy(), torch.cat(hidden).numpy()


def _scaled(pixels: Tensor) -> Tensor:
    return pixels.float() / 255
