"""What `unfrag record` does within a program: where its recordings go, and when they are written.

Each process that uses CUDA writes its own: at the first out-of-memory error, at its end, and when poked through a
socket. All that it did it notes in a file in UNFRAG_RECORD_FOLDER, a fact a line, which the command reads at the end:

    cuda            it used CUDA          wrote KIND PATH    a recording, KIND being oom, end or poke
    note TEXT       for people            failed TEXT        a recording that could not be written

Threads: the poke has one of its own; files are written under one lock, for which an observer waits while one is.
"""

import atexit
import os
import pickle
import signal
import socket
import struct
import sys
import threading

_FOLDER = os.environ["UNFRAG_RECORD_FOLDER"]
_FILE = os.environ["UNFRAG_RECORD_FILE"]
_SOCKETS = os.environ.get("UNFRAG_RECORD_SOCKETS")
_PARENT = os.environ.get("UNFRAG_RECORD_PARENT", "0")


class _Process:
    """This process, from its first use of CUDA on."""

    def __init__(self, recorder, recording):
        self.recorder = recorder
        self.recording = recording
        self.pid = os.getpid()
        self.log = os.path.join(_FOLDER, "process.%d" % self.pid)
        self.first = _claim("first", self.pid)
        self.stem = None
        self.oom_is_safe = False
        self.pokes = 0
        self.ended = False
        self.writing = threading.RLock()  # A signal's handler may come while its own thread writes.
        self.socket = None
        self.say("cuda")

    def say(self, *words):
        try:
            with open(self.log, "a", errors="surrogateescape") as log:
                log.write(" ".join(words).replace("\n", " ") + "\n")
        except OSError:
            pass  # The command has ended before us.

    def name(self, suffix):
        """FILE, FILE.rank3, FILE.1234 for a process that is neither a rank nor the first; then what the suffix says."""
        base, extension = os.path.splitext(_FILE)
        if self.stem is None:
            rank = _rank()
            if rank is not None and _claim("rank%d" % rank, self.pid):
                self.stem = "%s.rank%d" % (base, rank)
            else:
                self.stem = base if self.first and rank is None else "%s.%d" % (base, self.pid)
        return self.stem + suffix + extension

    def write(self, kind, snapshot, suffix=""):
        """Beside, then renamed: a file of that name is always whole."""
        path = self.name(suffix)
        beside = "%s.unfrag-%d" % (path, self.pid)
        try:
            with open(beside, "wb") as file:
                pickle.dump(snapshot, file, protocol=4)
            os.replace(beside, path)
        except BaseException as error:
            try:
                os.unlink(beside)
            except OSError:
                pass
            if not isinstance(error, OSError):
                raise
            self.say("failed", "%s cannot be written: %s" % (path, error.strerror))
            return None
        self.say("wrote", kind, path)
        return path

    def out_of_memory(self, snapshot):
        with self.writing:
            self.oom_is_safe = self.write("oom", snapshot) is not None

    def end(self):
        """The program ends. A forked child that ends as its parent would have is not it."""
        if self.ended or os.getpid() != self.pid:
            return
        self.ended = True
        self.close()
        try:
            with self.writing:
                oom = self.recording.oom
                if oom is not None and not self.oom_is_safe:  # Somebody pressed Ctrl-C.
                    self.out_of_memory(oom)
                self.write("end", self.recorder.snapshot(), "" if oom is None else ".end")
        except self.recorder.RecordingError as error:
            self.say("failed", str(error))
        for note in self.recording.notes:
            self.say("note", note)
        if getattr(sys, "last_type", None) is KeyboardInterrupt:
            _end_by_interrupt()

    def terminated(self, number, frame):
        signal.signal(number, signal.SIG_DFL)
        self.end()
        os.kill(os.getpid(), number)

    # -- the poke ------------------------------------------------------------------------------------------------------

    def listen(self):
        if not _SOCKETS:
            return self.say("note", "it could not be poked: there was no folder of your own for the socket")
        try:
            path = os.path.join(_SOCKETS, "record-%s-%d.sock" % (_PARENT, self.pid))
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            os.fchmod(listener.fileno(), 0o600)  # On Linux what it is bound to is made so, and never was anything else.
            listener.bind(path)
            os.chmod(path, 0o600)
            listener.listen(4)
            self.socket = (listener, path)
            threading.Thread(target=self.serve, args=(listener,), name="unfrag-poke", daemon=True).start()
        except (OSError, RuntimeError) as error:
            self.say("note", "it could not be poked: %s" % error)

    def serve(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.settimeout(5)
                    connection.sendall(self.answer(connection).encode(errors="surrogateescape"))
                except OSError:
                    pass

    def answer(self, connection):
        _, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        if user != os.geteuid():
            return "refused this program is another user's\n"
        try:
            with self.writing:
                self.pokes += 1
                path = self.write("poke", self.recorder.snapshot(), ".poke%d" % self.pokes)
        except Exception as error:
            return "refused %s\n" % str(error).replace("\n", " ")
        return "wrote %s\n" % path if path else "refused the file cannot be written\n"

    def close(self):
        if self.socket is None:
            return
        listener, path = self.socket
        self.socket = None
        listener.close()
        if os.getpid() == self.pid:
            try:
                os.unlink(path)
            except OSError:
                pass

    def forked(self):
        """In the child: what is the parent's alone."""
        if self.socket is not None:
            self.socket[0].close()
            self.socket = None
        if signal.getsignal(signal.SIGTERM) == self.terminated:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _claim(name, pid):
    """Whether this process is the one that has the name, of all that run under the command."""
    try:
        with open(os.path.join(_FOLDER, "claim." + name), "x") as claim:
            claim.write(str(pid))
        return True
    except OSError:
        return False


def _rank():
    text = os.environ.get("RANK", "")
    if text.isdigit():
        return int(text)
    try:
        distributed = sys.modules["torch"].distributed
        if distributed.is_available() and distributed.is_initialized():
            return int(distributed.get_rank())
    except Exception:
        pass
    return None


def _end_by_interrupt():
    """Python ends by SIGINT where its last run ended by KeyboardInterrupt; PyTorch's snapshots run something after it."""
    import ctypes

    hook, sys.excepthook = sys.excepthook, lambda *_: None
    ctypes.pythonapi.PyRun_SimpleString(b"raise KeyboardInterrupt")
    sys.excepthook = hook


def begin(recorder):
    """torch has been imported. What else there is to do waits for CUDA, which may first be used in a forked child."""

    def cuda_is_in_use():
        process = _Process(recorder, recording)
        recording.on_oom = process.out_of_memory
        os.register_at_fork(after_in_child=process.forked)
        process.listen()
        util = sys.modules.get("multiprocessing.util")
        if util is not None and sys.modules["multiprocessing"].parent_process() is not None:
            util.Finalize(None, process.end, exitpriority=-1000)  # Forked ones end without atexit.
        atexit.register(process.end)
        if threading.current_thread() is threading.main_thread():
            if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
                signal.signal(signal.SIGTERM, process.terminated)

    recording = recorder.start(int(os.environ["UNFRAG_RECORD_ENTRIES"]), on_begin=lambda: cuda_is_in_use())
