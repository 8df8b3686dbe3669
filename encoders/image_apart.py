"""Costly pictures, decoded in a process of their own that has limits of time and memory.

What a file will cost cannot be told by its header for every format, and no decoder can be stopped from outside. So a
process is started for such a picture, which writes its frames, reduced, to standard output:

    one line of JSON   {"sizes": [[width, height], …], "spans": [[start, end], …]} or {"error": reason}
    raw RGB            of one frame after the other
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from encoders.base import MediaError
from encoders.image_frames import Span, decode
from encoders.image_opening import OUT_OF_MEMORY, open_picture

if TYPE_CHECKING:
    from PIL import Image

CPU_SECONDS = 6
WALL_SECONDS = 30  # on a machine that is busy with other things
MEMORY = 400 << 20  # bytes beyond those of the process before it decodes
MOST_PIXELS = 2_000_000  # of a frame that comes back, about
_SLOW = "decoding it takes longer than {} s; save it smaller, or as JPEG or PNG"
_CRASHED = "its decoder crashed; save it anew, as JPEG or PNG"


def decode_apart(path: Path, *, all_frames: bool) -> tuple[list[Image.Image], list[Span]]:
    """Return what `image_frames.decode` does, of a picture file. Raises MediaError with the reason, also of a limit."""
    from PIL import Image

    arguments = [str(path.absolute()), str(int(all_frames)), str(CPU_SECONDS), str(MEMORY)]
    # Not with -m, which warns where the package itself has imported the module: an error where warnings are.
    command = [sys.executable, "-P", "-c", "from encoders.image_apart import main; main()", *arguments]
    packages = os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = os.environ | {"PYTHONPATH": packages, "OPENBLAS_NUM_THREADS": "1"}
    try:
        done = subprocess.run(command, capture_output=True, env=environment, timeout=WALL_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise MediaError(f"{path.name}: {_SLOW.format(WALL_SECONDS)}") from error
    except OSError as error:
        raise MediaError(f"{path.name}: no process can be started to decode it ({error.strerror or error})") from error
    line, _, pixels = done.stdout.partition(b"\n")
    if done.returncode != 0 or not line:
        # By the limit of time, or by a system that is short of memory.
        ends = (
            {-signal.SIGXCPU: _SLOW.format(CPU_SECONDS), -signal.SIGKILL: OUT_OF_MEMORY} if os.name == "posix" else {}
        )
        raise MediaError(f"{path.name}: {ends.get(done.returncode, _CRASHED)}")
    head = json.loads(line)
    if "error" in head:
        raise MediaError(head["error"])
    frames, place = [], 0
    for width, height in head["sizes"]:
        frames.append(Image.frombytes("RGB", (width, height), pixels[place : place + 3 * width * height]))
        place += 3 * width * height
    return frames, [(start, end) for start, end in head["spans"]]


def main() -> None:
    """Decode the picture that the command line names, and write its frames to standard output."""
    path, all_frames, seconds, memory = Path(sys.argv[1]), sys.argv[2] == "1", int(sys.argv[3]), int(sys.argv[4])
    import numpy as np  # noqa: F401 - what is imported now does not count as the picture's
    from PIL import Image

    Image.init()
    before = _peak()
    try:
        with _limits(seconds, memory), open_picture(path) as image:
            frames, spans = decode(image, all_frames=all_frames, most_pixels=MOST_PIXELS)
    except MediaError as error:
        reason = str(error)
        if error.__cause__ and _peak() - before > memory // 2 and OUT_OF_MEMORY not in reason:
            reason += f", or {OUT_OF_MEMORY}"  # few decoders say so themselves
        sys.stdout.write(json.dumps({"error": reason}) + "\n")
        return
    sys.stdout.write(json.dumps({"sizes": [frame.size for frame in frames], "spans": spans}) + "\n")
    sys.stdout.flush()
    for frame in frames:
        sys.stdout.buffer.write(frame.tobytes())


@contextmanager
def _limits(seconds: int, memory: int) -> Iterator[None]:
    """Limit the process's time for good, and its memory inside the block, where the system can."""
    try:
        import resource
    except ImportError:  # Windows
        yield
        return
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    before = resource.getrlimit(resource.RLIMIT_DATA)
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_DATA, (_status("VmData") + memory, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _peak() -> int:
    """Return the most bytes of memory that the process has had, as far as the system tells."""
    return _status("VmPeak") if sys.platform == "linux" else 0


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(f"{name}:"))
