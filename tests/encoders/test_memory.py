"""What is freed goes back to the system."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no arenas")

ARENAS = """
import ctypes, sys, threading
from encoders.memory import share_freed_memory

if sys.argv[1] == "shared":
    share_freed_memory()
wait = threading.Barrier(5)
threads = [threading.Thread(target=lambda: (bytearray(100_000), wait.wait())) for _ in range(4)]
for thread in threads:
    thread.start()
wait.wait()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
libc.malloc_info.argtypes = ctypes.c_int, ctypes.c_void_p
libc.fclose.argtypes = (ctypes.c_void_p,)
file = libc.fopen(sys.argv[2].encode(), b"w")
libc.malloc_info(0, file)
libc.fclose(file)
"""


def test_threads_share_what_is_freed(tmp_path: Path) -> None:
    assert arenas("each its own", tmp_path / "malloc.xml") > 1
    assert arenas("shared", tmp_path / "malloc.xml") == 1


def arenas(how: str, told: Path) -> int:
    """Have several threads allocate, and count what they allocate from."""
    subprocess.run([sys.executable, "-c", ARENAS, how, str(told)], check=True)
    return len(re.findall("<heap nr", told.read_text()))
