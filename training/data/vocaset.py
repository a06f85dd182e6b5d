"""VOCASET (Cudeiro et al. 2019, "Capture, Learning, and Synthesis of 3D Speaking Styles"), for those who have it.

Both published layouts are read, and nothing in their pickles is run:

    as VOCA ships it             as FaceFormer prepares it
    data_verts.npy               vertices_npy/SUBJECT_sentenceNN.npy   (T, 15069)
    raw_audio_fixed.pkl          wav/SUBJECT_sentenceNN.wav
    subj_seq_to_idx.pkl          templates.pkl
    templates.pkl                FLAME_masks.pkl (optional; here as in the other layout)

Vertices are metres in FLAME's axes (x to the character's left, y up, z out of the face), 5,023 of them, 60 scans a
second, of which every second is used. Subjects are split as VOCA and FaceFormer split them.
"""

from __future__ import annotations

import wave
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from ...inference.arrays import Floats
from ...inference.audio.mel import SAMPLE_RATE
from ...inference.errors import DuetError
from ...inference.flame.unpickle import load_pickled_arrays, load_pickled_tree

SCAN_RATE = 60.0  # scans a second
STRIDE = 2  # used scans: 30 a second
SPLITS = {
    "train": (
        *("FaceTalk_170728_03272_TA", "FaceTalk_170904_00128_TA", "FaceTalk_170725_00137_TA"),
        *("FaceTalk_170915_00223_TA", "FaceTalk_170811_03274_TA", "FaceTalk_170913_03279_TA"),
        *("FaceTalk_170904_03276_TA", "FaceTalk_170912_03278_TA"),
    ),
    "validation": ("FaceTalk_170811_03275_TA", "FaceTalk_170908_03277_TA"),
    "test": ("FaceTalk_170809_00138_TA", "FaceTalk_170731_00024_TA"),
}
_TEST_SENTENCES = range(21, 41)  # of validation and test subjects; training subjects use all forty
_REMEDY = "Unpack VOCASET as its authors publish it, or prepare it as FaceFormer's repository says."


class VocasetError(DuetError):
    """The folder is not VOCASET, or a part of it is missing or damaged."""

    kind = "vocaset"


@dataclass(frozen=True, eq=False)
class Sequence:
    """One sentence: samples (N,) at 16 kHz, vertices (T, V, 3) metres at `fps`, and the subject's neutral (V, 3)."""

    subject: str
    sentence: str
    samples: Floats
    vertices: Floats
    template: Floats
    fps: float

    @property
    def name(self) -> str:
        """As FaceFormer names its files."""
        return f"{self.subject}_{self.sentence}"


def sequences(folder: Path, split: str = "train") -> Iterator[Sequence]:
    """The sentences of one split that the folder holds, in either layout; raises VocasetError."""
    wanted = SPLITS[split]
    if (folder / "data_verts.npy").exists():
        found = _published(folder, wanted)
    elif (folder / "vertices_npy").is_dir():
        found = _prepared(folder, wanted)
    else:
        raise VocasetError(f"{folder} holds neither data_verts.npy nor vertices_npy.", _REMEDY)
    for sequence in found:
        if split == "train" or int(sequence.sentence[-2:]) in _TEST_SENTENCES:
            yield sequence


def lip_vertices(folder: Path) -> NDArray[np.int64] | None:
    """FLAME's own lip region from FLAME_masks.pkl, by which LVE is published; None where the file is not there."""
    path = folder / "FLAME_masks.pkl"
    return load_pickled_arrays(path)["lips"].astype(np.int64) if path.exists() else None


def _templates(folder: Path) -> Mapping[str, NDArray[Any]]:
    path = folder / "templates.pkl"
    if not path.exists():
        raise VocasetError(f"{folder} has no templates.pkl.", _REMEDY)
    return load_pickled_arrays(path)


def _template(templates: Mapping[str, NDArray[Any]], subject: str) -> Floats:
    if subject not in templates:
        raise VocasetError(f"templates.pkl has no neutral face of {subject}.", _REMEDY)
    return templates[subject].reshape(-1, 3).astype(np.float32)


def _prepared(folder: Path, subjects: tuple[str, ...]) -> Iterator[Sequence]:
    """FaceFormer's layout; its arrays are plain, so no pickle is needed to read them."""
    templates = _templates(folder)
    for path in sorted((folder / "vertices_npy").glob("*.npy")):
        subject, _, sentence = path.stem.rpartition("_")
        if subject not in subjects:
            continue
        template, sound = _template(templates, subject), folder / "wav" / f"{path.stem}.wav"
        if not sound.exists():
            raise VocasetError(f"{path.name} has no recording {sound}.", _REMEDY)
        flat = np.load(path, mmap_mode="r", allow_pickle=False)
        if flat.ndim != 2 or flat.shape[1] != template.size:
            raise VocasetError(f"{path} is {flat.shape}; {subject}'s neutral has {len(template)} vertices.", _REMEDY)
        vertices = np.array(flat[::STRIDE], np.float32).reshape(-1, len(template), 3)
        yield Sequence(subject, sentence, _wave(sound), vertices, template, SCAN_RATE / STRIDE)


def _published(folder: Path, subjects: tuple[str, ...]) -> Iterator[Sequence]:
    """VOCA's layout: all scans in one array, and which of them each sequence is made of."""
    templates, index = _templates(folder), load_pickled_tree(folder / "subj_seq_to_idx.pkl")
    sounds = load_pickled_tree(folder / "raw_audio_fixed.pkl")
    scans = np.load(folder / "data_verts.npy", mmap_mode="r", allow_pickle=False)
    for subject in (s for s in subjects if s in index):
        template = _template(templates, subject)
        for sentence, frames in sorted(index[subject].items()):
            if sentence not in sounds.get(subject, {}):  # VOCASET itself lacks the sound of a few sequences
                continue
            rows = np.array([frames[frame] for frame in sorted(frames)], np.int64)[::STRIDE]
            if len(rows) and rows.max() >= len(scans):
                raise VocasetError(f"{sentence} of {subject} asks for scan {rows.max()} of {len(scans)}.", _REMEDY)
            sound = sounds[subject][sentence]
            samples = _at_16_khz(_as_floats(np.asarray(sound["audio"])), int(sound["sample_rate"]))
            vertices = np.array(scans[rows], np.float32).reshape(len(rows), -1, 3)
            yield Sequence(subject, sentence, samples, vertices, template, SCAN_RATE / STRIDE)


def _wave(path: Path) -> Floats:
    with wave.open(str(path)) as file:
        raw = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
        return _at_16_khz(_as_floats(raw).mean(axis=1), file.getframerate())


def _as_floats(samples: NDArray[Any]) -> Floats:
    """In [-1, 1]: VOCASET holds 16-bit numbers, FaceFormer's copies of them too."""
    return (samples / 32768 if np.issubdtype(samples.dtype, np.integer) else samples).astype(np.float32)


def _at_16_khz(samples: Floats, rate: int) -> Floats:
    return scipy.signal.resample_poly(samples, SAMPLE_RATE, rate).astype(np.float32)
