"""Makes entries from every kind of frame, and says on standard output which stack each should have.

Run by an interpreter of any version from 3.9 on. `entry` releases the GIL, as ctypes does, and makes an entry with the
number that `here()` gives it; both stand on one line, so that every frame is at the same line in both.
"""

import asyncio
import ctypes
import functools
import gc
import json
import os
import sys
import threading

entry = ctypes.CDLL(sys.argv[1]).unfrag_entry
entry.argtypes = [ctypes.c_uint64]
entry.restype = None
expected = []


def here():
    stack, frame = [], sys._getframe(1)
    while frame is not None:
        stack.append([frame.f_code.co_name, frame.f_code.co_filename, frame.f_lineno])
        frame = frame.f_back
    expected.append(stack)
    return len(expected) - 1


def plain():
    entry(here()); entry(here())
    for _ in range(3):
        entry(here())
    return [entry(here()) for _ in range(2)], {k: (lambda: entry(here()))() for k in "ab"}


def deep(levels):
    if levels:
        return deep(levels - 1)
    entry(here())


def generator():
    entry(here())
    got = yield 1
    try:
        yield entry(here())
    finally:
        entry(here())


def generators():
    made = generator()
    next(made)
    made.send(5)
    made.close()
    list(entry(here()) for _ in range(2))

    def outer():
        yield from generator()
    list(outer())


async def coroutine(levels):
    await asyncio.sleep(0)
    entry(here())
    if levels:
        await coroutine(levels - 1)


async def asynchronous_generator():
    yield entry(here())
    yield entry(here())


async def asynchronous():
    await asyncio.gather(coroutine(2), coroutine(0))
    async for _ in asynchronous_generator():
        entry(here())
    [entry(here()) async for _ in asynchronous_generator()]


def executed():
    # Code objects that die and whose addresses come back with other lines, names and files.
    for i in range(40):
        exec(compile("\n" * (i % 7) + "entry(here())", "<text>", "exec"), globals())
        exec(compile("entry(here())", f"<text {i % 5}>", "exec"), globals())
        exec(f"def f{i % 3}():\n    entry(here())\nf{i % 3}()", {"entry": entry, "here": here})
        eval("entry(here())")
    for i in range(40):
        exec("\n" * i + "def g():\n    entry(here())\ng()\ndel g", {"entry": entry, "here": here})
    many = "\n".join("x = [1,\n 2]" if i % 7 else "entry(here())" for i in range(3000))
    exec(compile(many, "<long>", "exec"), dict(globals()))


def wrapped(function):
    @functools.wraps(function)
    def wrapper(*args):
        entry(here())
        return function(*args)
    return wrapper


@wrapped
@functools.lru_cache(None)
def decorated(x):
    entry(here())


class Body:
    entry(here())

    def __init__(self):
        entry(here())

    @property
    def value(self):
        entry(here())

    def __lt__(self, other):
        entry(here())
        return False

    def __del__(self):
        entry(here())


def called_from_c():
    sorted([Body(), Body()])
    Body().value
    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda x: entry(here()) or 1)
    callback(1)
    list(map(lambda x: entry(here()), range(2)))
    functools.reduce(lambda a, b: entry(here()), range(3))
    cycle = Body()
    cycle.itself = cycle
    del cycle
    gc.collect()


def closure(a, b, c):
    return lambda: (a, b, c)


def before_the_first_line():
    # A collection while `closure` makes its cells, before it is a frame to Python (3.11).
    for _ in range(3):
        cycle = Body()
        cycle.itself = cycle
        del cycle
        gc.set_threshold(1)
        closure(1, 2, 3)
        gc.set_threshold(700)


def résumé_数_𝒳():
    entry(here())
    exec(compile("def ÿ(): entry(here())\nÿ()", "/tmp/é/数/𝒳.py", "exec"), globals())


def threads():
    def run(k):
        for _ in range(50):
            deep(k)
            executed_once(k)
    def executed_once(k):
        exec(compile("\n" * k + "entry(here())", "<thread>", "exec"), globals())
    workers = [threading.Thread(target=run, args=(k,)) for k in range(4)]
    lock_step = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    sys.setswitchinterval(lock_step)


def errors():
    try:
        raise ValueError
    except ValueError:
        entry(here())
    finally:
        entry(here())
    with open(os.devnull):
        entry(here())


def watched():
    def trace(frame, event, arg):
        return trace
    sys.settrace(trace)
    plain(), generators(), decorated(2)
    sys.settrace(None)
    sys.setprofile(lambda *args: None)
    plain()
    sys.setprofile(None)


threading.stack_size(64 << 20)
sys.setrecursionlimit(5000)
plain(), generators(), executed(), decorated(1), called_from_c(), before_the_first_line(), résumé_数_𝒳(), threads()
errors(), watched()
asyncio.run(asynchronous())
for levels in (10, 100, 127, 128, 129, 900):
    deep(levels)
if sys.argv[2:] == ["fork"]:
    if os.fork() == 0:
        expected.clear()
        plain(), executed(), deep(3)
    else:
        os.wait()
sys.stdout.write(json.dumps({"process": os.getpid(), "version": sys.version, "expected": expected}) + "\n")
