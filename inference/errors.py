"""Errors a user can act on: what went wrong, where, and what to do about it."""


class DuetError(Exception):
    """A failure with a remedy.

    `message` names the file, object or frame; `remedy` says what to do, as a full sentence. `kind` is stable
    across the worker's pipe, so that a client can rebuild the same class.
    """

    kind = "error"

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(f"{message} {remedy}".strip())
        self.message = message
        self.remedy = remedy


class AudioError(DuetError):
    """The recording cannot be used."""

    kind = "audio"


class RequestError(DuetError):
    """An option has no meaning: an unknown emotion, a frame rate of zero."""

    kind = "request"


class WeightsError(DuetError):
    """A weights file is missing, damaged or of another version."""

    kind = "weights"


class HeadError(DuetError):
    """The chosen object cannot carry the animation."""

    kind = "head"


class OutputError(DuetError):
    """The result cannot be written."""

    kind = "output"


class TableError(DuetError):
    """A table of text cannot be used: names the file, the row and the column."""

    kind = "table"


class WorkerError(DuetError):
    """The worker process failed: it died, went silent, or spoke nonsense."""

    kind = "worker"


class StartError(WorkerError):
    """A process cannot start, so that no job could do better."""

    kind = "start"


class CancelledError(DuetError):
    """The user cancelled the job."""

    kind = "cancelled"


_KINDS: dict[str, type[DuetError]] = {
    cls.kind: cls
    for cls in (
        DuetError,
        AudioError,
        RequestError,
        WeightsError,
        HeadError,
        OutputError,
        TableError,
        WorkerError,
        StartError,
        CancelledError,
    )
}


def error_of_kind(kind: str, message: str, remedy: str) -> DuetError:
    """The error class for a kind that came over the pipe; an unknown kind gives a plain DuetError."""
    return _KINDS.get(kind, DuetError)(message, remedy)
