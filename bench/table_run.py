"""Seconds of the processor from a file to a pandas table of its events, beside unfrag.load(file).explain(), in turn and
in one process; imports are not counted. Prints pairs as JSON: python table_run.py FILE PAIRS."""

import json
import sys
import time

import pandas  # noqa: F401  a reader's import is not what is measured
import pyarrow  # noqa: F401
import unfrag


def seconds(work):
    start = time.process_time()
    work()
    return time.process_time() - start


path, pairs = sys.argv[1], int(sys.argv[2])
unfrag.load(path).events.to_pandas()
print(json.dumps([(seconds(lambda: unfrag.load(path).events.to_pandas()), seconds(lambda: unfrag.load(path).explain()))
                  for _ in range(pairs)]))
