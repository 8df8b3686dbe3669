"""Clips decoded by PyAV, which shows what OpenCV cannot: AV1, and interlaced ones. It is optional."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from encoders.base import MediaError, Pixels
from encoders.video_opencv import import_cv2
from encoders.video_reasons import MOST_PIXELS, undecodable

REMEDY = "pip install 'multimodal-rec[av]'"
BUFFER = 1 << 18  # bytes read at once
MOST_SIDE = 720  # pixels of a frame's short side; frames of full size, made and let go, scatter the memory
LARGE = 10_000_000  # pixels of a frame that one thread decodes: 4K and a little more
MOST_WITHOUT_KEY = 250  # packets at a place that was sought which need frames before it
AHEAD = 0.5  # of a frame: rounding of time stamps


def is_installed() -> bool:
    """Say whether PyAV is there, and loads."""
    try:
        import av  # noqa: F401
    except ImportError:
        return False
    return True


class PyAVDecoder:
    """A clip that PyAV opened, before its first frame."""

    def __init__(self, av: Any, file: BinaryIO) -> None:
        self._av = av
        self._file = file
        self._open()
        stream = self._stream
        self.width = int(stream.codec_context.width)
        self.height = int(stream.codec_context.height)
        self.rate = float(stream.average_rate or stream.guessed_rate or 0)
        seconds = (
            float(stream.duration * stream.time_base) if stream.duration else (self._container.duration or 0) / 1e6
        )
        self.count = float(stream.frames or round(seconds * self.rate))
        self.codec = str(stream.codec_context.name)

    def _open(self) -> None:
        self._container: Any = self._av.open(self._file, buffer_size=BUFFER, io_open=_no_other_file)
        self._stream: Any = self._container.streams.best("video")
        if self._stream is None or self._stream.codec_context is None:
            raise ValueError("no video, or of an unknown codec")
        # A number that does not grow with the cores: each thread may hold a frame or two.
        self._stream.codec_context.thread_count = 2 if self._stream.width * self._stream.height <= LARGE else 1
        self._stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}  # of frames larger than stated, too
        self._zero = (self._stream.start_time or 0) * self._stream.time_base
        self._decodes = True
        self._packet: Any = None
        self._follow()

    def rewind(self) -> None:
        """Open the file anew."""
        self.close()
        self._file.seek(0)
        self._open()

    def _follow(self, wanted: float = -1.0) -> None:
        """Read on from where the container stands, leaving out frames before a time in seconds."""
        self._packets = self._container.demux(self._stream)
        self._waiting: deque[Any] = deque()
        self._wanted = wanted
        self._spare = MOST_WITHOUT_KEY
        self._frame: Any = None

    def grab(self) -> bool:
        """Go on to the next frame; False where there is none, or it is damaged."""
        while True:
            if self._waiting:
                self._frame = self._waiting.popleft()
                if not self.seconds() < self._wanted:
                    return True
                continue
            try:
                self._packet = next(self._packets, None)
                if self._packet is None:
                    return False
                if not self._decodes:
                    return bool(self._packet.size)
                self._waiting.extend(self._packet.decode())
            except (self._av.error.FFmpegError, IndexError):  # IndexError: a stream that begins in the middle
                self._packets = self._container.demux(self._stream)  # what raised is at its end
                self._spare -= 1
                if self._frame is not None or self._spare < 0:
                    return False

    def pixels(self) -> Pixels | None:
        """Return the frame, BGR (h, w, 3), upright and no larger than any encoder looks at; of two fields the first."""
        frame = self._frame
        scale = min(1.0, MOST_SIDE / min(self.width, self.height))
        # Of the stated size, as OpenCV has it, whatever this frame's is.
        width, height = round(self.width * scale), round(self.height * scale)
        lines = self.height if self.is_interlaced() else height
        averaged = "AREA" if scale < 1 else None
        pixels = frame.to_ndarray(width=width, height=lines, format="bgr24", interpolation=averaged)
        if self.is_interlaced():
            pixels = import_cv2().resize(pixels[::2], (width, height))
        return np.ascontiguousarray(np.rot90(pixels, round(frame.rotation / 90)))

    def is_interlaced(self) -> bool:
        """Say whether the frame is of two fields, one after the other."""
        return bool(self._frame.interlaced_frame)

    def seconds(self) -> float:
        """Return the frame's time stamp."""
        return float(np.nan if self._frame.time is None else self._frame.time - self._zero)

    def seek(self, number: int) -> bool:
        """Have the frame of about this number be the next one."""
        if not self.rate:
            return False
        if self._packet is None:
            self.grab()  # the first packet may tell how to decode the others
        seconds = number / self.rate
        try:
            self._container.seek(int((seconds + self._zero) / self._stream.time_base), stream=self._stream)
        except self._av.error.FFmpegError:
            return False
        self._follow(seconds - AHEAD / self.rate)
        return True

    def stop_decoding(self) -> bool:
        """From now on go from packet to packet; no frame can be shown any more."""
        self._decodes = False
        return True

    def is_key(self) -> bool:
        """Say whether the packet holds a frame that needs no others."""
        return bool(self._packet.is_keyframe)

    def close(self) -> None:
        """Give back what decodes."""
        self._container.close()


def is_interlaced(path: Path, seconds: float) -> bool:
    """Say whether a clip's frame at about this time is interlaced; PyAV must be installed."""
    try:
        with pyav(path) as decoder:
            return decoder.seek(round(seconds * decoder.rate)) and decoder.grab() and decoder.is_interlaced()
    except MediaError:
        return False


@contextmanager
def pyav(path: Path) -> Iterator[PyAVDecoder]:
    """Open a clip with PyAV, which must be installed. Raises MediaError when it gives up."""
    import av

    try:
        with path.open("rb") as file:
            decoder = PyAVDecoder(av, file)
            try:
                yield decoder
            finally:
                decoder.close()
    except (av.error.FFmpegError, ValueError) as error:  # ValueError: no video, or pixels that it cannot convert
        raise undecodable(path, error) from error


def _no_other_file(url: str, *_: object) -> BinaryIO:
    """What FFmpeg asks for any file beside the one it was given."""
    raise PermissionError(f"{url}: a clip must not open other files")
