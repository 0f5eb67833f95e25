"""Run a command and write what it took: the small process between the harness and a system.

    python -I -S benchmarks/launched.py USAGE WORD ...

A process that is started takes over the largest size of the one that starts it, as Linux counts
(`exec_mmap` in fs/exec.c), and the harness holds data. So this one, which holds none, starts it.
"""

import os
import sys
import time


def main(usage: str, words: list[str]) -> int:
    """Write seconds and largest resident size (bytes) to `usage`; return the exit code."""
    started = time.perf_counter()
    child = os.posix_spawn(words[0], words, os.environ)
    _, status, used = os.wait4(child, 0)
    seconds = time.perf_counter() - started
    # Linux counts in KiB, macOS in bytes.
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    with open(usage, "w", encoding="ascii") as file:  # noqa: PTH123  (pathlib is not light)
        file.write(f"{seconds} {peak}")
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
