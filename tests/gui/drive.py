"""Run a script of this folder in Blender's real window, on a screen of its own, and keep a picture of the end.

python tests/gui/drive.py tests/gui/three_clicks.py build/gui/three_clicks.png --zip dist/duet.zip

Blender starts with an empty profile that holds the zip alone, installed and enabled. The exit status is 0 where the
script's `main` ended without an exception. Needs Xvfb, xdotool and ImageMagick: on Debian,
`make gui-setup` sees to them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SIZE = (1600, 1000)
# What OpenAL plays is written into a file, anew for each device that is opened.
LOUDSPEAKER = """
[general]
drivers = wave
frequency = 48000
sample-type = int16
channels = mono
[wave]
file = {file}
"""


def main() -> int:
    """Run it; 0 where it passed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("script", type=Path)
    parser.add_argument("picture", type=Path, help="a .png of the screen at the end")
    parser.add_argument("--zip", type=Path, required=True, help="the extension")
    parser.add_argument("--blender", default="blender", help="the program")
    parser.add_argument("--seconds", type=int, default=300, help="the most that it may take")
    options = parser.parse_args()
    options.picture.parent.mkdir(parents=True, exist_ok=True)
    options.picture.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="duet-gui-") as folder:
        env = environment(options, Path(folder))
        install = [options.blender, "--command", "extension", "install-file", "-r", "user_default", "--enable"]
        subprocess.run([*install, str(options.zip.resolve())], env=env, check=True, stdin=subprocess.DEVNULL)
        with Screen(env):
            return run(options, env, Path(folder) / "status")


def environment(options: argparse.Namespace, folder: Path) -> dict[str, str]:
    """What Blender and `blender_gui` read."""
    for name in ("profile", "tmp", "run"):
        (folder / name).mkdir(mode=0o700)
    (folder / "alsoft.conf").write_text(LOUDSPEAKER.format(file=folder / "heard.wav"))
    return os.environ | {
        "ALSOFT_CONF": str(folder / "alsoft.conf"),
        "DUET_GUI_SOUND": str(folder / "heard.wav"),
        "BLENDER_USER_RESOURCES": str(folder / "profile"),
        "TMPDIR": str(folder / "tmp"),
        "XDG_RUNTIME_DIR": str(folder / "run"),
        "LIBGL_ALWAYS_SOFTWARE": "1",
        "DUET_GUI_SCRIPT": str(options.script.resolve()),
        "DUET_GUI_PICTURE": str(options.picture.resolve()),
        "DUET_GUI_STATUS": str(folder / "status"),
    }


class Screen:
    """An X server without a screen; it writes its number into the environment."""

    def __init__(self, env: dict[str, str]) -> None:
        self._env = env

    def __enter__(self) -> None:
        read, write = os.pipe()
        size = f"{SIZE[0]}x{SIZE[1]}x24"
        command = ["Xvfb", "-displayfd", str(write), "-screen", "0", size, "-nolisten", "tcp", "-noreset"]
        self._server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as file:
            number = file.readline().strip()
        if not number:
            raise RuntimeError("Xvfb did not start")
        self._env["DISPLAY"] = f":{number}"

    def __exit__(self, *_: object) -> None:
        self._server.terminate()
        self._server.wait()


def run(options: argparse.Namespace, env: dict[str, str], status: Path) -> int:
    """Blender with the script; 0 where the script said that it passed and Blender ended well."""
    size = ["0", "0", *map(str, SIZE)]
    command = [options.blender, "--gpu-backend", "opengl", "--window-geometry", *size]
    blender = subprocess.Popen([*command, "--python", str(HERE / "blender_gui.py")], env=env, stdin=subprocess.DEVNULL)
    try:
        code = blender.wait(options.seconds)
    except subprocess.TimeoutExpired:
        subprocess.run(["import", "-window", "root", str(options.picture)], env=env, check=False)
        blender.kill()
        blender.wait()
        print(f"drive: Blender still ran after {options.seconds} s; the picture shows where it was", file=sys.stderr)
        return 1
    said = status.read_text() if status.exists() else "Blender ended before the script did"
    if code or said != "passed":
        print(f"drive: {said}; Blender's exit status was {code}", file=sys.stderr)
        return 1
    print(f"passed: {options.picture}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
