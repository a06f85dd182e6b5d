"""In the real application: how long the window stands still while ten minutes at 60 frames a second are made.

make gui SCRIPT=tests/gui/freeze.py SECONDS=2400

The timeline is open and shows the keys of the chosen head. A gap is the time from one turn of the event loop to the
next; printed for each action are its ten longest, and what was done in them: our own turn, the evaluation of the
scene, drawing the 3D view and drawing the timeline. What is left is Blender's too: its undo step, other editors,
panels. Where there is no graphics card, drawing takes most of a gap, so what one would be without the 3D view is
printed as well; and the processor time of our turns, which other work on the machine does not lengthen.
"""

import os
import subprocess
import tempfile
import time
import wave
from collections import defaultdict
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import blender_gui as g
import bpy
from helpers import RECORDINGS, area_of, head, module, picture, rest, runtime, take, takes

MINUTES, FPS = 10, 60
TICK = 0.01  # seconds between looks at the clock
LONGEST = 10  # gaps printed for each action
LIMIT = 1200  # seconds that an action may take


class Clock:
    """What happened when: (begin, end) of each piece of work, by what it was; the most processor time of one."""

    def __init__(self):
        self.pieces, self.begun, self.most = defaultdict(list), {}, 0.0

    def begin(self, what, *_):
        self.begun[what] = time.perf_counter()

    def end(self, what, *_):
        if what in self.begun:
            self.pieces[what].append((self.begun.pop(what), time.perf_counter()))

    @contextmanager
    def piece(self, what):
        used = time.thread_time()
        self.begin(what)
        try:
            yield
        finally:
            self.end(what)
            self.most = max(self.most, time.thread_time() - used)

    def within(self, what, begin, end):
        """The seconds of such work between two moments."""
        return sum(max(0.0, min(end, last) - max(begin, first)) for first, last in self.pieces[what])


CLOCK = Clock()
PARTS = ("our turn", "scene", "3D view", "timeline")


def listen():
    """Note the work of our operators' turns, of the dependency graph, and of two editors."""
    stepped = module("operators.modal").Stepped
    turn, invoke = stepped._turn, stepped.invoke

    def timed_turn(self):
        with CLOCK.piece("our turn"):
            return turn(self)

    def timed_invoke(self, context, event):  # Blender counts the names
        with CLOCK.piece("our turn"):
            return invoke(self, context, event)

    stepped._turn, stepped.invoke = timed_turn, timed_invoke
    for kind, view, last in (
        (bpy.types.SpaceView3D, "3D view", "POST_PIXEL"),
        (bpy.types.SpaceDopeSheetEditor, "timeline", "POST_VIEW"),
    ):
        kind.draw_handler_add(CLOCK.begin, (view,), "WINDOW", "PRE_VIEW")
        kind.draw_handler_add(CLOCK.end, (view,), "WINDOW", last)
    bpy.app.handlers.depsgraph_update_pre.append(partial(CLOCK.begin, "scene"))
    bpy.app.handlers.depsgraph_update_post.append(partial(CLOCK.end, "scene"))


def watched(name, start, done):
    """Do something and note the gaps until it is done, then half a second more for what it leaves to draw."""
    CLOCK.pieces.clear()
    CLOCK.most = 0.0
    gaps, began, settled = [], time.perf_counter(), None
    last, stage = began, "start"
    with CLOCK.piece("our turn"):
        start()
    while settled is None or last - settled < 0.5:
        yield TICK
        now = time.perf_counter()
        gaps.append((now - last, stage if settled is None else "after", last, now))
        last, stage = now, runtime().stage if runtime().busy else stage
        assert now - began < LIMIT, name
        if settled is None and done():
            settled = now
    show(name, gaps, last - began)


def show(name, gaps, seconds):
    """Print the ten longest."""
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"\n{name}: {seconds:.1f} s, {len(gaps)} gaps, load {load}", flush=True)
    over = [gap for gap, *_ in gaps if gap > 0.2]
    own = max(end - begin for begin, end in CLOCK.pieces["our turn"])
    undrawn = max(gap - CLOCK.within("3D view", *span) for gap, _, *span in gaps)
    print(f"  longest gap {max(gaps)[0]:.3f} s, over 0.2 s: {len(over)}; without the 3D view {undrawn:.3f} s")
    print(f"  longest turn of ours {own:.3f} s, at most {CLOCK.most:.3f} s of the processor")
    print(f"  {'gap':>6}  " + "  ".join(f"{part:>8}" for part in PARTS) + "  stage")
    for gap, stage, begin, end in sorted(gaps, reverse=True)[:LONGEST]:
        shares = [CLOCK.within(part, begin, end) for part in PARTS]
        print(f"  {gap:6.3f}  " + "  ".join(f"{share:8.3f}" for share in shares) + f"  {stage}", flush=True)


def idle(name):
    """What drawing takes while nothing happens: each editor by itself, then the scene at other frames."""
    print(f"\n{name}: idle, longest of 5 gaps")
    for kind in ("VIEW_3D", "DOPESHEET_EDITOR", "PROPERTIES", "OUTLINER"):
        yield from _drawn(kind, area_of(kind).tag_redraw)
    frames = iter(range(100, 1000, 7))
    yield from _drawn("another frame", lambda: bpy.context.scene.frame_set(next(frames)))


def _drawn(name, cause):
    longest = 0.0
    for _ in range(5):
        yield 0.3
        began = time.perf_counter()
        cause()
        yield TICK
        longest = max(longest, time.perf_counter() - began)
    print(f"  {name}: {longest:.3f} s", flush=True)


def long_recording():
    """The example recordings, one after the other, until there is enough; 16 kHz, one channel."""
    sources, frames = sorted(RECORDINGS.glob("*.wav")), b""
    for source in sources:
        with wave.open(str(source)) as file:
            settings, frames = file.getparams(), frames + file.readframes(file.getnframes())
    size = MINUTES * 60 * settings.framerate * settings.sampwidth * settings.nchannels
    path = Path(tempfile.mkdtemp(), "ten_minutes.wav")
    with wave.open(str(path), "wb") as file:
        file.setparams(settings)
        file.writeframes((frames * (size // len(frames) + 1))[:size])
    return path


def click(place):
    """Click without waiting for the mouse to be done."""
    subprocess.Popen(["xdotool", "mousemove", *map(str, place), "click", "1"])


def escape():
    subprocess.Popen(["xdotool", "key", "Escape"])


def operator(name, **options):
    """The call of an operator, as a button does it."""

    def call():
        with g.override():
            getattr(bpy.ops.duet, name)("INVOKE_DEFAULT", True, **options)

    return call


def quiet():
    return not runtime().busy


def changed(change):
    """A change of a setting, with its undo step as in the sidebar."""

    def call():
        change()
        bpy.ops.ed.undo_push(message="Setting")

    return call


def cancelled(name, stage, fraction):
    """Generate, and Esc when it has come to this part of a stage."""
    state = {"escaped": False}

    def done():
        if not state["escaped"] and runtime().busy and runtime().stage == stage and runtime().fraction > fraction:
            state["escaped"] = True
            escape()
        return state["escaped"] and quiet()

    before = len(takes())
    yield from watched(name, operator("generate"), done)
    assert len(takes()) == before, "nothing is left of a cancelled take"


def main():
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    yield from g.open_sidebar("Duet")
    yield from g.click("duet.add_head")
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = FPS, 1.0
    scene.duet.audio = str(long_recording())
    yield from rest()
    listen()
    yield from idle("Before")
    place = yield from g.find("duet.generate")
    yield from watched("Generate", partial(click, place), lambda: take() is not None and quiet())
    shown = area_of("DOPESHEET_EDITOR")
    with bpy.context.temp_override(
        window=g.window(), area=shown, region=next(region for region in shown.regions if region.type == "WINDOW")
    ):
        bpy.ops.action.view_all()
    assert head().select_get(), "the timeline shows the keys of what is selected"
    yield from picture("generated")
    yield from idle("With the keys")
    yield from changes(scene)
    yield from watched("Generate Again", operator("regenerate", part="ALL"), quiet)
    yield from cancelled("Generate, cancelled at the engine", "Listening", 0.02)
    yield from cancelled("Generate, cancelled while keys are written", "Animating", 0.3)
    yield from picture("cancelled")


def changes(scene):
    """What needs no engine."""
    group = take().duet
    yield from watched("Undo step alone", lambda: bpy.ops.ed.undo_push(message="Nothing"), quiet)
    yield from watched("Articulation", changed(lambda: setattr(group, "articulation", 1.1)), quiet)
    yield from watched("Smoothing", changed(lambda: setattr(group, "smoothing", 20.0)), quiet)
    yield from watched("Update Speech", operator("update_speech"), quiet)
    group = take().duet
    yield from watched("Feeling", changed(lambda: setattr(group, "emotion", "happy")), quiet)
    yield from watched("Life's seed", changed(lambda: setattr(group, "seed", 5)), quiet)
    yield from watched("Duplicate Take", operator("duplicate_take"), quiet)
    other = next(action for action in takes() if action != take())
    row = bpy.data.actions.find(other.name)
    yield from watched("Another take", changed(lambda: setattr(scene.duet, "active_take", row)), quiet)
    yield from watched("Remove Take", operator("remove_take"), quiet)
