"""One training loop for all stages: steps down a loss, a look at it now and then, and a file to go on from.

An interrupted run ends as an unbroken one does. The file holds tensors and numbers alone, and is read as such: no code.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm


class Run:
    """A model on its way, with everything that changes while it learns.

    `average` is the running mean of the weights, of which the share `averaged` is kept at each step: what they were
    over the last few hundred steps, without their wobble. Where `averaged` is None, it is the model itself. `best` is
    the lowest error that was judged, and the mean's weights then.
    """

    def __init__(
        self,
        model: nn.Module,
        optimiser: torch.optim.Optimizer,
        schedule: torch.optim.lr_scheduler.LRScheduler,
        rng: np.random.Generator,
        clip: float | None = None,
        averaged: float | None = None,
    ) -> None:
        self.model, self.rng, self.step = model, rng, 0
        self.average = model if averaged is None else copy.deepcopy(model).eval()
        self.best: tuple[float, dict[str, Tensor]] = (float("inf"), {})
        self._optimiser, self._schedule, self._clip, self._averaged = optimiser, schedule, clip, averaged
        self._parts: dict[str, Any] = {"model": model, "optimiser": optimiser, "schedule": schedule}
        if averaged is not None:
            self._parts["average"] = self.average

    def learn(self, loss: Tensor) -> None:
        """One step down the loss; the mean follows."""
        self._optimiser.zero_grad()
        loss.backward()
        if self._clip is not None:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self._clip)
        self._optimiser.step()
        self._schedule.step()
        self.step += 1
        if self._averaged is not None:
            kept = min(self._averaged, self.step / (self.step + 10))
            with torch.no_grad():
                for mean, weight in zip(self.average.parameters(), self.model.parameters(), strict=True):
                    mean.lerp_(weight, 1.0 - kept)

    def judge(self, error: float) -> None:
        """Keep the mean weights where they are the best so far."""
        if error < self.best[0]:
            self.best = (float(error), {k: v.clone() for k, v in self.average.state_dict().items()})

    def save(self, path: Path) -> None:
        """Write the file to go on from, whole or not at all."""
        state = {name: part.state_dict() for name, part in self._parts.items()}
        state |= {"best": self.best, "step": self.step}
        state |= {"rng": self.rng.bit_generator.state, "torch_rng": torch.get_rng_state()}
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(state, path.with_suffix(".partial"))
        path.with_suffix(".partial").replace(path)

    def resume(self, path: Path) -> bool:
        """Go on from the file where there is one; whether there is."""
        if not path.exists():
            return False
        state = torch.load(path, weights_only=True)
        for name, part in self._parts.items():
            part.load_state_dict(state[name])
        self.best, self.step = state["best"], state["step"]
        self.rng.bit_generator.state = state["rng"]
        torch.set_rng_state(state["torch_rng"])
        return True


def train(
    run: Run, steps: int, loss_of: Callable[[], Tensor], every: int, look: Callable[[float], str], path: Path
) -> None:
    """Learn until `steps` are done. After each `every` and the last, `look` gets the loss and says how it stands."""
    with tqdm(total=steps, initial=run.step, unit="step", disable=None, leave=False) as bar:
        while run.step < steps:
            loss = loss_of()
            run.learn(loss)
            bar.update()
            if run.step % every == 0 or run.step == steps:
                bar.write(f"step {run.step} of {steps}: {look(loss.item())}")
                run.save(path)
