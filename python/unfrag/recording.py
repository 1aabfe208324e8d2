"""Recording a block of code, and explaining an exception: what PyTorch in this process says, read by unfrag.

torch is imported when a recording begins, never before.
"""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING

from unfrag import _recorder
from unfrag.errors import BadInputError, Error, MissingError, UsageError
from unfrag.reports import Explanation, Message
from unfrag.trace import Trace, explain_message, load

if TYPE_CHECKING:
    from unfrag._errors_of_torch import OutOfMemory


class Record:
    """`with unfrag.record() as r:` records a block of code and explains it at its end.

    After it: `trace` (None where the block used no CUDA), `explanation`, `error` (the text of the out-of-memory error
    that ended the block; the exception itself would keep the memory of its frames), `notes` (what the recording lacks).
    A recording that the program has begun itself is used as it is and not switched off. Blocks may be nested.
    """

    def __init__(
        self, max_entries: int = _recorder.DEFAULT_ENTRIES, *, stacks: str = "python", show: bool = True
    ) -> None:
        """max_entries: so many of the latest trace entries are kept. stacks: "python", or "all" for C++ frames too.
        show: prints the explanation at the end, in a notebook as a small page."""
        self.trace: Trace | None = None
        self.error: str | None = None
        self.notes: list[str] = []
        self._max_entries = max_entries
        self._stacks = stacks
        self._show = show
        self._recording: _recorder.Recording | None = None
        self._handled: BaseException | None = None  # what the block began in the handler of

    @property
    def explanation(self) -> Explanation | None:
        """Who holds the memory, and why it ran out: of the last error where there was one."""
        return self.trace.explain() if self.trace else None

    def __enter__(self) -> Record:
        """Errors: MissingError where there is no torch with CUDA, UsageError for arguments that make no sense."""
        if self._recording is not None:
            raise UsageError("this recording has begun already; try another unfrag.record() within it")
        try:
            self._recording = _recorder.start(self._max_entries, self._stacks)
        except _recorder.RecordingError as error:
            raise MissingError(str(error)) from error
        except ValueError as error:
            raise UsageError(str(error)) from error
        self._handled = sys.exc_info()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        recording, self._recording = self._recording, None
        handled, self._handled = self._handled, None
        assert recording is not None
        snapshot = None
        try:
            found = _find_out_of_memory(error) if error else None
            if found is not None and found.exception is not handled:
                self.error = f"{type(found.exception).__name__}: {found.text}"
            only_one = self.error is not None and recording.ooms == 1
            snapshot = recording.oom if only_one else _recorder.snapshot()
        except Exception as reason:  # must not take the place of what the block raised
            recording.note(str(reason))
        finally:
            _recorder.stop(recording)
            self.notes = recording.notes
        try:
            self.trace = load(snapshot) if snapshot else None
            if self._show:
                _show(self)
        except Exception as reason:
            self.notes.append(str(reason))

    def __str__(self) -> str:
        return "\n".join([str(self.explanation or "nothing was recorded"), *(f"note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str | None:
        return self.explanation._repr_html_() if self.explanation else None


def record(max_entries: int = _recorder.DEFAULT_ENTRIES, *, stacks: str = "python", show: bool = True) -> Record:
    """Records the block of code in `with unfrag.record() as r:`, see Record. Costs nothing outside the block.

    max_entries: so many of the latest trace entries are kept. stacks: "python", or "all" for C++ frames too.
    show: prints the explanation at the end.
    """
    return Record(max_entries, stacks=stacks, show=show)


class ErrorExplanation:
    """What an out-of-memory error says, and what the memory of this process looks like.

    kind: who was refused: "allocator" (PyTorch's), "cuda", "cublas", "cudnn", "nccl", ..., "pinned" or "host".
    message: what follows from its text; None where the text has no figures.
    trace: the allocator as it is now, or as it was when the error happened if that was being recorded; None without
    CUDA. explanation: of the trace, for the request that failed.
    """

    def __init__(
        self, kind: str, message: Message | None, trace: Trace | None, explanation: Explanation | None
    ) -> None:
        self.kind = kind
        self.message = message
        self.trace = trace
        self.explanation = explanation

    def __str__(self) -> str:
        refused = f"{_KINDS.get(self.kind, self.kind)} ran out of memory; its message has no figures\n"
        return "\n".join([str(self.message or refused), *([str(self.explanation)] if self.explanation else [])])

    def _repr_html_(self) -> str:
        return "".join(part._repr_html_() for part in (self.message, self.explanation) if part is not None)


_KINDS = {"allocator": "PyTorch's allocator", "cuda": "CUDA", "cublas": "cuBLAS", "cudnn": "cuDNN", "nccl": "NCCL",
          "pinned": "pinned host memory", "host": "the host"}  # fmt: skip


def explain_error(error: BaseException) -> ErrorExplanation:
    """Explains an out-of-memory error in any of its forms: PyTorch's, CUDA's own, a library's, rewritten by a wrapper.

    Errors: UsageError where neither it nor any of its causes says that memory ran out.
    """
    found = _find_out_of_memory(error)
    if found is None:
        raise UsageError(f"{type(error).__name__} says nothing of memory that ran out; try the error that does")
    try:
        message: Message | None = explain_message(found.text, name=type(found.exception).__name__)
    except BadInputError:
        message = None
    trace = _state_of_torch()
    return ErrorExplanation(found.kind, message, trace, _explanation_of(trace, message))


def _find_out_of_memory(error: BaseException) -> OutOfMemory | None:
    from unfrag._errors_of_torch import find_out_of_memory  # its patterns take as long to compile as all else to import

    return find_out_of_memory(error)


def _state_of_torch() -> Trace | None:
    if "torch" not in sys.modules:
        return None
    try:
        return load(_recorder.last_oom() or _recorder.snapshot())
    except (_recorder.RecordingError, Error):
        return None


def _explanation_of(trace: Trace | None, message: Message | None) -> Explanation | None:
    """Of a recording its own error; of a state alone whether the request of the message would be served."""
    if trace is None:
        return None
    explanation = trace.explain()
    requested = message.figures.requested_bytes if message else None
    if requested is None or message is None or (explanation.chosen and explanation.chosen.ooms):
        return explanation
    try:
        return trace.explain(want=requested, memory=message.figures.total_bytes, device=_device_of(message))
    except Error:
        return explanation


def _device_of(message: Message) -> int | None:
    return message.message.device if message.message else None


def _show(record: Record) -> None:
    shell = sys.modules.get("IPython")
    if shell is not None and shell.get_ipython() is not None and record.explanation:
        from IPython.display import display  # type: ignore[import-not-found]

        display(record)
    else:
        print(record)
