"""FLAME models that jobs are written for: read once, and bound to the Duet head once, by the jobs' own worker."""

from __future__ import annotations

from pathlib import Path

from ...inference.bound import Binding
from ...inference.client.client import WorkerClient
from ...inference.flame.duet import duet_flame
from ...inference.flame.fit import bind_request
from ...inference.flame.model import FlameModel, load_flame
from ...inference.head.canonical import load_head


class FlameModels:
    """The models of one command, by their files."""

    def __init__(self, client: WorkerClient) -> None:
        self._client = client
        self._known: dict[Path | None, tuple[FlameModel, Binding | None]] = {}

    def of(self, path: Path | None) -> tuple[FlameModel, Binding | None]:
        """A model (None: the Duet head's own) with its binding, where it has other vertices than the Duet head.

        Raises WeightsError or HeadError.
        """
        if path not in self._known:
            model = load_flame(path) if path else duet_flame()
            same = len(model.v_template) == len(load_head().vertices)
            self._known[path] = model, None if same else self._bound(model, path)
        return self._known[path]

    def _bound(self, model: FlameModel, path: Path | None) -> Binding:
        return self._client.run_binding(bind_request(model, path.name if path else "FLAME"))
