"""Listen in the real application: `duet live` hears a recording and sends frames, and the head shows them.

make gui SCRIPT=tests/gui/live.py OUT=build/live.png
"""

import signal
import socket
import subprocess
import sys

import blender_gui as g
import bpy
from helpers import DOCS, FIRST, find, head, look, module, picture, rest, scroll_down, wait_for

OPEN = 0.2  # of the key that opens the jaw: a vowel
RUBBISH = 3
# Speaks a recording over and over, at its own pace however busy the window is.
SPEAKER = """
import sys, time, wave
with wave.open(sys.argv[1]) as file:
    sound = file.readframes(file.getnframes())
began, sent = time.monotonic(), 0
while True:
    time.sleep(max(0.0, began + sent / 32000 - time.monotonic()))
    sys.stdout.buffer.write((2 * sound)[sent % len(sound) :][:640])
    sys.stdout.buffer.flush()
    sent += 640
"""


def opened(panel):
    """A panel that is shown open: what a click on its title does."""
    bpy.utils.unregister_class(panel)
    panel.bl_options = set()
    bpy.utils.register_class(panel)


def started():
    """A speaker, and `duet live` that hears it, with this Blender's Python."""
    root, env = module("operators.session")._ROOT, module("operators.session").EngineChoice().command()[1]
    speaker = subprocess.Popen([sys.executable, "-c", SPEAKER, str(FIRST)], stdout=subprocess.PIPE)
    command = [sys.executable, "-s", "-m", "inference.live", "-", "--format", "blender"]
    return speaker, subprocess.Popen(command, env=env, cwd=root, stdin=speaker.stdout)


def main():
    ear, listen = module("operators.listen").EAR, module("operators.listen")
    opened(module("panels.live").DUET_PT_live)
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    yield from g.open_sidebar("Duet")
    yield from rest()
    yield from g.click("duet.add_head")
    yield from rest()
    look((0, 0, 0.2), 0.62)
    keys = head().data.shape_keys.key_blocks
    jaw = keys["Speech jaw open"]
    before = {key.name: key.value for key in keys}
    yield from scroll_down(60)
    yield from g.click((yield from find("duet.listen")))
    yield from wait_for(lambda: ear.head == head().name, "listening")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(RUBBISH):
            sender.sendto(b"rubbish", ("127.0.0.1", listen._PORT))
    speaker, live = started()
    yield from wait_for(lambda: jaw.value > OPEN, "an open mouth")
    live.send_signal(signal.SIGSTOP)  # else the face comes to rest while the picture is taken
    assert ear.dropped == RUBBISH
    head()["Happy"] = 0.7
    head().update_tag()
    yield from picture("live", DOCS / "pictures")
    for process in (live, speaker):
        process.kill()
        process.wait()
    yield from g.click((yield from find("duet.stop_listening")))
    yield from wait_for(lambda: not ear.head, "the end")
    head()["Happy"] = 0.0
    after = {key.name: key.value for key in keys}
    assert all(abs(after[name] - value) < 1e-6 for name, value in before.items() if name.startswith("Speech")), after
