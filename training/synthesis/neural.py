"""What the neural voices share: onnxruntime sessions, clauses of text, and durations of tokens turned into phones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import espeak
from .phones import Sound, sounds_of
from .utterance import PAUSE, Segment, merge_pauses

_PUNCTUATION = ",;:.!?"


def session(model: Any) -> Any:
    """An onnxruntime session of an onnx model, on one thread: synthesis shares its machine with training."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def add_output(model: Any, name: str) -> None:
    """Make a value inside the graph one of its outputs."""
    import onnx

    model.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))


def transcription(text: str, language: str) -> str:
    """IPA of a sentence with its punctuation, as the voices were trained on: eSpeak's, clause by clause."""
    parts = []
    for clause, mark in re.findall(rf"([^{_PUNCTUATION}]+)([{_PUNCTUATION}]?)", text.replace("…", ".")):
        ipa = espeak.transcribe(clause, language)
        ipa = re.sub(r"\([a-z-]+\)", "", ipa)  # "(en)" marks a change of language
        if ipa:
            parts.append(ipa + mark)
    return " ".join(parts)


def timed_segments(tokens: Sequence[str], edges: NDArray[np.float64]) -> tuple[Segment, ...]:
    """Tokens (IPA characters, modifiers, stress marks, punctuation) and their edges (N + 1,) in seconds as phones.

    Modifiers lengthen the phone before them, stress marks the phone after them; punctuation and the start and end
    tokens are pauses; a space belongs to the phone before it.
    """
    segments: list[Segment] = []
    for token, start, end in _phones(tokens, edges):
        if token is None:
            segments.append(Segment(PAUSE, start, end))
        else:
            segments.append(Segment(token.phone, start, end, token.stress))
    return merge_pauses(segments)


def _phones(tokens: Sequence[str], edges: NDArray[np.float64]) -> Iterator[tuple[Sound | None, float, float]]:
    """Phones and pauses (None) with their times."""
    for kind, text, first, last in _groups(tokens):
        start, end = float(edges[first]), float(edges[last])
        if kind == "pause":
            yield None, start, end
            continue
        sounds = sounds_of(text)
        total = sum(s.weight for s in sounds)
        for sound in sounds:
            stop = start + (end - float(edges[first])) * sound.weight / total
            yield sound, start, stop
            start = stop


def _groups(tokens: Sequence[str]) -> list[tuple[str, str, int, int]]:
    """(kind, text, first token, last token + 1): each phone with its stress mark, modifiers and following space."""
    groups: list[tuple[str, str, int, int]] = []
    stress, stress_at = "", 0
    for i, token in enumerate(tokens):
        if token in "ˈˌ" and token:
            stress, stress_at = stress or token, i if not stress else stress_at
        elif token == PAUSE or token in _PUNCTUATION + '—…"()“”¿¡':
            groups.append(("pause", "", i, i + 1))
        elif token.isspace() or (groups and groups[-1][0] == "phone" and not _starts_phone(token)):
            if groups:
                kind, text, first, _ = groups[-1]
                groups[-1] = (kind, text + token.strip(), first, i + 1)
        else:
            groups.append(("phone", stress + token, stress_at if stress else i, i + 1))
            stress = ""
    return groups


def _starts_phone(token: str) -> bool:
    """Whether a token is a sound of its own rather than a modifier of the one before."""
    return len(sounds_of("ə" + token)) > 1
