"""In the real application: what Play and the timeline's playback bring to the loudspeaker, written down by OpenAL.

make gui SCRIPT=tests/gui/heard.py
"""

import os
import wave
from pathlib import Path

import blender_gui as g
import bpy
import numpy as np
from helpers import FIRST, find, module, press, rest

RATE, START = 48000, 37  # Hz of the loudspeaker (drive.py); the frame at which the head begins to speak
SILENT = 0.003  # of full scale


def samples(data):
    return np.frombuffer(data[: len(data) // 2 * 2], "<i2") / 32768


def heard(file):
    """What the file has so far: its header tells the length only once it is closed."""
    data = file.read_bytes()
    return samples(data[data.index(b"data") + 8 :])


def recording():
    """The recording at the loudspeaker's rate."""
    with wave.open(str(FIRST)) as file:
        own = samples(file.readframes(file.getnframes()))
        return np.interp(np.arange(0, len(own), file.getframerate() / RATE), np.arange(len(own)), own)


def found(sound, part):
    """(sample, likeness) where the part lies in the sound and how like it is: 1 is the same but for its level."""
    size = len(sound) + len(part)
    match = np.fft.irfft(np.fft.rfft(sound, size) * np.conj(np.fft.rfft(part, size)), size)
    at = int(match[: len(sound)].argmax())
    piece = sound[at : at + len(part)]
    piece = np.pad(piece, (0, len(part) - len(piece)))
    return at, float(piece @ part / np.sqrt((piece @ piece) * (part @ part)))


def main():
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    file, spoken = Path(os.environ["DUET_GUI_SOUND"]), recording()
    bpy.context.preferences.system.audio_device = "OpenAL"
    yield from g.open_sidebar("Duet")
    with g.override():
        bpy.ops.duet.add_head()
        bpy.context.scene.duet.audio, bpy.context.scene.duet.start_frame = str(FIRST), START
        bpy.ops.duet.generate()
    yield from rest()
    player = module("operators.recording").PLAYER
    yield from g.click((yield from find("bpy.ops.duet.play_recording(", parts=(0.62,))))
    assert player.playing
    while player.playing:
        yield 0.2
    yield 0.5
    at, likeness = found(heard(file), spoken)
    print(f"Play: likeness {likeness:.3f} from {at / RATE:.2f} s on", flush=True)
    assert likeness > 0.9
    player.close()

    scene = bpy.context.scene
    scene.frame_set(1)
    scene.sync_mode = "AUDIO_SYNC"
    yield from press("space")
    while scene.frame_current < START + 72 + 24 and bpy.context.screen.is_animation_playing:
        yield 0.1
    yield from press("space")
    sound = heard(file)
    at, likeness = found(sound, spoken)
    around = sound[: at - RATE // 20], sound[at + len(spoken) + RATE // 20 :]
    loud = [float(np.abs(part).max()) for part in around]
    print(f"Playback: likeness {likeness:.3f} from {at / RATE:.2f} s on; before and after at most {loud}", flush=True)
    assert likeness > 0.9
    assert len(around[0]) / RATE > (START - 1) / scene.render.fps - 0.2 and len(around[1]) > RATE / 4
    assert max(loud) < SILENT < np.abs(spoken).max()
