"""The lines of a manifest as an OpenCue job: one layer, one frame a share of them.

    python opencue_lines.py shots.csv //farm/out --shares 20 --show testing --shot sh010

Needs OpenCue's PyOutline here, `duet` on the path of the farm's machines, and storage that all see under the same name.
A frame that is retried leaves out what is made already.
"""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Sequence
from pathlib import Path


def command(options: argparse.Namespace, share: str) -> list[str]:
    """What a frame runs; `share` is its number, or OpenCue's token for it."""
    return ["duet", options.command, options.manifest, "-o", options.output, "--shard", f"{share}/{options.shares}"]


def whole(path: str) -> str:
    """From the root on, for a machine of the farm works in another folder."""
    return str(Path(path).absolute())


def parser() -> argparse.ArgumentParser:
    """The script's options."""
    found = argparse.ArgumentParser(description="The lines of a manifest as an OpenCue job.")
    found.add_argument("manifest", type=whole, help="the .csv table, or a folder of recordings")
    found.add_argument("output", type=whole, help="the folder for what is made")
    found.add_argument("--command", choices=("bake", "generate", "preview"), default="bake")
    found.add_argument("--shares", type=int, default=20, help="how many frames the lines are cut into")
    found.add_argument("--show", default="testing")
    found.add_argument("--shot", default="lines")
    return found


def main(argv: Sequence[str] | None = None) -> None:
    """Submit the job."""
    options = parser().parse_args(argv)
    import outline
    import outline.cuerun
    import outline.modules.shell

    job = outline.Outline("duet", shot=options.shot, show=options.show, user=getpass.getuser())
    frames = f"1-{options.shares}"
    layer = outline.modules.shell.Shell("lines", command=command(options, "#IFRAME#"), range=frames, chunk=1, threads=2)
    job.add_layer(layer)
    outline.cuerun.launch(job, use_pycuerun=False)


if __name__ == "__main__":
    main()
