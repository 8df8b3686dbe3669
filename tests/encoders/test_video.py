"""Clips written here: shots and their times, telling frames, rotation, odd headers, and bounded cost."""

from __future__ import annotations

import builtins
import os
import re
import struct
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import encoders
from encoders import Encoding, MediaError, encode_videos, find_shots, sample_frame, video_fingerprint, video_scan
from encoders import video as video_module
from encoders.telling import candidate
from encoders.video_frames import Frame, Packets, open_video, read_packets
from encoders.video_opencv import OpenCVDecoder, import_cv2, opencv
from encoders.video_pyav import pyav
from tests.encoders.conftest import cosines, draw, shared

FPS = 25


def write(path: Path, frames: list[np.ndarray], fps: float = FPS) -> Path:
    """Write RGB frames as a clip; `.avi` is MJPEG, `.mp4` is MPEG-4."""
    cv2 = import_cv2()
    codec = cv2.VideoWriter_fourcc(*("MJPG" if path.suffix == ".avi" else "mp4v"))
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), codec, fps, (width, height))
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[:, :, ::-1]))
    writer.release()
    return path


def still(seed: int, count: int) -> list[np.ndarray]:
    picture = np.asarray(draw(seed, (160, 120)))
    return [picture] * count


def encode(encoder: encoders.ImageEncoder, path: Path) -> Encoding:
    ((_, result),) = encode_videos(encoder, [path])
    assert isinstance(result, Encoding), result
    return result


def test_shots_with_their_times(image_encoder: encoders.ImageEncoder, tmp_path: Path) -> None:
    path = write(tmp_path / "three.avi", still(1, 30) + still(2, 50) + still(3, 25))
    result = encode(image_encoder, path)
    starts = [start for start, _ in result.spans]
    assert starts == pytest.approx([0, 30 / FPS, 80 / FPS], abs=2 / FPS)
    assert result.spans[-1][1] == pytest.approx(105 / FPS, abs=2 / FPS)
    singles = image_encoder.encode([draw(seed, (160, 120)) for seed in (1, 2, 3)])
    alike = cosines(result.parts[:, None], singles[None])
    assert alike.argmax(axis=1).tolist() == [0, 1, 2]
    lengths = np.linalg.norm(singles, axis=1)
    assert lengths.min() * 0.9 < np.linalg.norm(result.vector) < lengths.max() * 1.1


def test_one_shot_is_the_whole(image_encoder: encoders.ImageEncoder, tmp_path: Path) -> None:
    result = encode(image_encoder, write(tmp_path / "one.mp4", still(1, 20)))
    np.testing.assert_allclose(result.parts, result.vector[None], rtol=1e-5)
    np.testing.assert_allclose(result.spans, [(0.0, 0.8)], atol=0.05)


def test_black_frames_say_nothing(image_encoder: encoders.ImageEncoder, tmp_path: Path) -> None:
    black = [np.zeros((120, 160, 3), np.uint8)] * 30
    plain = encode(image_encoder, write(tmp_path / "plain.mp4", still(5, 40)))
    padded = encode(image_encoder, write(tmp_path / "padded.mp4", black + still(5, 40) + black))
    assert cosines(plain.vector, padded.vector) > 0.99
    shown = np.asarray(sample_frame(tmp_path / "padded.mp4"), float)
    assert np.abs(shown - np.asarray(draw(5, (160, 120)), float)).mean() < 12


def test_a_clip_of_nothing_but_white_is_still_a_clip(image_encoder: encoders.ImageEncoder, tmp_path: Path) -> None:
    white = [np.full((120, 160, 3), 255, np.uint8)] * 10
    assert encode(image_encoder, write(tmp_path / "white.mp4", white)).vector.shape == (1280,)


def test_sharp_frames_are_preferred(tmp_path: Path) -> None:
    cv2 = import_cv2()
    sharp = np.asarray(draw(6, (160, 120)))
    blurred = cv2.GaussianBlur(sharp, (0, 0), 6)
    path = write(tmp_path / "focus.avi", [blurred] * 10 + [sharp] * 10 + [blurred] * 10)
    (shot,) = find_shots(path)
    assert all(10 / FPS - 0.01 <= frame.seconds <= 20 / FPS for frame in shot.frames)


@pytest.mark.parametrize(("turn", "matrix"), [(1, (0, 1, -1, 0)), (2, (-1, 0, 0, -1)), (3, (0, -1, 1, 0))])
def test_rotation_tags_are_honoured(turn: int, matrix: tuple[int, ...], tmp_path: Path) -> None:
    path = write(tmp_path / "lying.mp4", still(7, 10))
    content = bytearray(path.read_bytes())
    place = content.index(b"tkhd") + 4 + 40  # behind version, times, track, layer and volume
    a, b, c, d = (value << 16 for value in matrix)
    content[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    (tmp_path / "turned.mp4").write_bytes(content)
    upright = np.asarray(sample_frame(tmp_path / "turned.mp4"), float)
    expected = np.rot90(np.asarray(sample_frame(path), float), -turn)
    assert upright.shape == expected.shape
    assert np.abs(upright - expected).mean() < 3


def test_wrong_frame_counts_are_not_believed(
    image_encoder: encoders.ImageEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "clip.avi", still(1, 40) + still(2, 40))
    honest = encode(image_encoder, path)
    content = bytearray(path.read_bytes())
    for place in (content.index(b"avih") + 8 + 16, content.index(b"strh") + 8 + 32):
        content[place : place + 4] = struct.pack("<I", 5_000_000)
    (tmp_path / "liar.avi").write_bytes(content)
    with open_video(tmp_path / "liar.avi") as video:
        assert len(list(video.frames())) == 80
    lied_to = encode(image_encoder, tmp_path / "liar.avi")
    assert cosines(honest.vector, lied_to.vector) > 0.99
    assert len(lied_to.spans) == 2


def test_a_long_clip_costs_no_more(
    image_encoder: encoders.ImageEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "long.avi", still(1, 300) + still(2, 300) + still(3, 300))
    monkeypatch.setattr(video_scan, "MOST_FRAMES", 400)
    looked_at = 0
    original = video_scan.thumbnail

    def counted(pixels: Any) -> Any:
        nonlocal looked_at
        looked_at += 1
        return original(pixels)

    monkeypatch.setattr(video_scan, "thumbnail", counted)
    result = encode(image_encoder, path)
    assert looked_at <= video_scan.SAMPLES
    starts = [start for start, _ in result.spans]
    assert starts == pytest.approx([0, 12, 24], abs=0.6)
    assert all(start >= cut for start, cut in zip(starts, (0, 12, 24), strict=True))  # not in the shot before
    assert result.spans[-1][1] == pytest.approx(36, abs=0.6)


def test_a_long_clip_that_can_only_be_read_from_its_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "long.mp4", still(1, 150) + still(2, 150))
    with open_video(path) as video:
        packets = video.packets()
    assert packets.count == 300
    assert 1 <= len(packets.keys) < 300
    monkeypatch.setattr(video_scan, "MOST_FRAMES", 100)
    monkeypatch.setattr(video_scan, "read_packets", lambda *_: Packets(300, [0]))  # as if it had one key frame
    whole = video_scan.scan_clip(path, 120)
    assert (whole.note, len(whole.cuts), whole.end) == ("", 1, pytest.approx(12, abs=0.1))
    monkeypatch.setattr(video_scan, "MOST_STEPS", 100)
    part = video_scan.scan_clip(path, 120)
    assert part.note == "only the first 4 s of 12 s were looked at, as it can only be read from its start"
    assert (part.cuts, part.end) == ([], pytest.approx(4, abs=0.1))


def places(count: int, keys: Sequence[int], most: int, seconds: float, *, whole: bool = True) -> list[int]:
    return video_scan._places(count, Packets(keys[-1] + 1, list(keys), whole), most, seconds)


def test_where_seeking_is_cheap_every_place_is_sought() -> None:
    found = places(64_000, list(range(0, 64_000, 50)), most=6_000, seconds=2560)
    assert found == [500 + 1_000 * number for number in range(64)]
    near_key = places(64_000, list(range(0, 64_000, 300)), most=1_000, seconds=2560)
    assert len(near_key) == 64
    assert all(place % 300 == 0 for place in near_key)
    assert places(64_000, [0, 30_000], most=6_000, seconds=2560) == []
    assert video_scan._places(64_000, Packets(0, []), 6_000, 2560) == []


def test_where_not_all_key_frames_are_known_others_are_taken_to_be_like_them() -> None:
    film = range(0, 20_000, 250)
    found = places(170_000, film, most=1_205, seconds=6800, whole=False)
    assert len(found) == 38  # 4 x 1,205 frames at 126 each
    assert np.diff(found).std() < 1
    assert video_scan._places(310_000, Packets(300_000, [0], whole=False), 6_000, 12_400) == []


def test_a_long_clip_of_one_key_frame_costs_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [np.roll(np.asarray(draw(1, (64, 48))), step, axis=1) for step in range(400)]
    path = write_with_pyav(tmp_path / "long.mp4", "libx264", frames, **{"x264-params": "keyint=infinite:scenecut=0"})
    monkeypatch.setattr("encoders.video_frames.MOST_PACKETS", 300)
    monkeypatch.setattr(video_scan, "MOST_FRAMES", 100)
    monkeypatch.setattr(video_scan, "MOST_STEPS", 150)
    decoded = 0
    grab = OpenCVDecoder.grab

    def counted(self: OpenCVDecoder) -> bool:
        nonlocal decoded
        decoded += 1
        return grab(self)

    monkeypatch.setattr(OpenCVDecoder, "grab", counted)
    scan = video_scan.scan_clip(path, 48)
    assert scan.note == "only the first 6 s of 16 s were looked at, as it can only be read from its start"
    assert decoded < 1000


def test_what_the_system_cannot_read_is_told(image_encoder: encoders.ImageEncoder, tmp_path: Path) -> None:
    names = ["x" * 300 + ".mp4", "clip%d.jpg"]
    write(tmp_path / "clip.mp4", still(1, 5)).rename(tmp_path / names[1])
    draw(1, (64, 48)).save(tmp_path / "clip1.jpg")
    (_, long), (_, sequence) = encode_videos(image_encoder, [tmp_path / name for name in names])
    assert str(long).endswith("cannot be read (File name too long)")
    assert "stands for other files" in str(sequence)
    with pytest.raises(MediaError, match="File name too long"):
        sample_frame(tmp_path / names[0])


def test_damage_in_the_middle_ends_no_clip(tmp_path: Path) -> None:
    moving = [np.roll(np.asarray(draw(seed, (160, 120))), 3 * step, axis=1) for seed in (1, 2) for step in range(200)]
    path = write(tmp_path / "moving.mp4", moving)
    content = bytearray(path.read_bytes())
    start = content.index(b"mdat") + 4
    size = int.from_bytes(content[start - 8 : start - 4]) - 8
    hole = slice(start + 3 * size // 10, start + 6 * size // 10)
    content[hole] = bytes(hole.stop - hole.start)
    path.write_bytes(content)
    scan = video_scan.scan_clip(path, 120)
    assert scan.end == pytest.approx(16, abs=0.1)
    assert scan.note == ""


def test_an_end_that_is_lost_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "half.avi", still(1, 100))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    scan = video_scan.scan_clip(path, 120)
    assert 1 < scan.end < 3
    assert scan.note == f"frames could be decoded up to second {scan.end:.1f} of the 4.0 that its header states"


def test_a_frame_of_a_shot_is_sought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(0)
    frames = [
        np.clip(frame + noise.integers(-9, 9, frame.shape), 0, 255).astype(np.uint8)
        for seed in (1, 2, 3)
        for frame in still(seed, 50)
    ]
    path = write(tmp_path / "three.avi", frames)
    monkeypatch.setattr(video_module, "scan_clip", lambda *_: pytest.fail("read from end to end"))
    for number, seed in enumerate((1, 2, 3)):
        shown = np.asarray(sample_frame(path, (2.0 * number, 2.0 * number + 2)), float)
        assert np.abs(shown - np.asarray(draw(seed, (160, 120)), float)).mean() < 15


def test_a_slide_show_has_all_its_slides(image_encoder: encoders.ImageEncoder, tmp_path: Path) -> None:
    path = write(tmp_path / "slides.avi", [frame for seed in (1, 2, 3) for frame in still(seed, 1)], fps=0.2)
    result = encode(image_encoder, path)
    np.testing.assert_allclose(result.spans, [(0, 5), (5, 10), (10, 15)], atol=0.01)
    singles = image_encoder.encode([draw(seed, (160, 120)) for seed in (1, 2, 3)])
    assert cosines(result.parts[:, None], singles[None]).argmax(axis=1).tolist() == [0, 1, 2]


def test_the_number_of_frames_in_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "minute.avi", still(1, 1500))
    monkeypatch.setattr(video_scan, "MOST_CANDIDATES", 20)
    (shot,) = find_shots(path)
    assert 1 <= len(shot.frames) <= video_module.MOST_SHOT_FRAMES


def test_reasons_are_true_and_one_line(image_encoder: encoders.ImageEncoder, tmp_path: Path) -> None:
    good = write(tmp_path / "good.mp4", still(1, 30)).read_bytes()
    moov = good.index(b"moov") - 4
    cases = {
        "empty.mp4": (b"", "empty"),
        "words.mp4": (b"these are words and no film at all", "not a video"),
        "tiny.m4v": (b"123", "3 bytes"),
        "cut.mp4": (good[:moov], "index .* is missing"),
        "sound.mp4": (good.replace(b"vide", b"soun"), "no video track"),
        "list.mp4": (b"#EXTM3U\n#EXTINF:5\nfile:///etc/hostname\n", "playlist"),
        "list.avi": (b"ffconcat version 1.0\nfile good.mp4\n", "playlist"),
    }
    for name, (content, _) in cases.items():
        (tmp_path / name).write_bytes(content)
    paths = [*(tmp_path / name for name in cases), tmp_path / "missing.mp4", tmp_path]
    results = dict(encode_videos(image_encoder, [*paths, tmp_path / "good.mp4"]))
    for name, (_, reason) in cases.items():
        error = results[tmp_path / name]
        assert isinstance(error, MediaError), name
        with pytest.raises(MediaError, match=rf"^{name}: .*{reason}"):
            raise error
        assert "\n" not in str(error)
    assert "no such file" in str(results[tmp_path / "missing.mp4"])
    assert "not a regular file" in str(results[tmp_path])
    assert isinstance(results[tmp_path / "good.mp4"], Encoding)


def test_a_missing_system_library_names_the_remedy(
    image_encoder: encoders.ImageEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = builtins.__import__

    def without(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "cv2":
            raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")
        return original(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(encoders.EncoderError, match="apt-get install libgl1"):
        encode_videos(image_encoder, [])


def test_the_fingerprint_follows_both_versions(
    image_encoder: encoders.ImageEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = video_fingerprint(image_encoder)
    assert before != image_encoder.fingerprint
    monkeypatch.setattr(video_module, "VIDEO_VERSION", 999)
    assert video_fingerprint(image_encoder) != before


def test_hard_cuts_of_real_clips() -> None:
    import json

    folder = shared("videos")
    rows = [json.loads(line) for line in (folder / "items_extra.jsonl").read_text().splitlines()]
    items = {row["id"]: row for row in map(json.loads, (folder / "items.jsonl").read_text().splitlines())}
    found = planted = right = 0
    for row in rows:
        if not row["hard_cuts_frames"]:
            continue
        cuts = [shot.start * row["fps_reported"] for shot in find_shots(folder / items[row["id"]]["video"])[1:]]
        found += len(cuts)
        planted += len(row["hard_cuts_frames"])
        right += sum(any(abs(cut - true) <= 2 for cut in cuts) for true in row["hard_cuts_frames"])
    assert right / planted >= 0.9
    assert right / found >= 0.9


@pytest.mark.slow
def test_each_real_clip_finds_itself_smaller_trimmed_and_mirrored(
    image_encoder: encoders.ImageEncoder, tmp_path: Path
) -> None:
    cv2 = import_cv2()
    paths = sorted((shared("videos") / "videos").iterdir())
    changed: dict[str, list[Path]] = {"smaller": [], "trimmed": [], "mirrored": []}
    for path in paths:
        with open_video(path) as video:
            frames = [frame.pixels[:, :, ::-1] for frame in video.frames()]
            fps = video.fps
        height, width = frames[0].shape[:2]
        small = [cv2.resize(frame, (width // 4 * 2, height // 4 * 2), interpolation=cv2.INTER_AREA) for frame in frames]
        changed["smaller"].append(write(tmp_path / f"{path.stem}-small.mp4", small, fps))
        changed["trimmed"].append(write(tmp_path / f"{path.stem}-trim.mp4", frames[len(frames) // 3 :], fps))
        changed["mirrored"].append(write(tmp_path / f"{path.stem}-mirror.mp4", [f[:, ::-1] for f in frames], fps))

    def directions(clips: list[Path]) -> np.ndarray:
        results = [result for _, result in encode_videos(image_encoder, clips)]
        vectors = np.stack([result.vector for result in results if isinstance(result, Encoding)])
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    known = directions(paths)
    mean = known.mean(axis=0)
    for kind, clips in changed.items():
        scores = (directions(clips) - mean) @ (known - mean).T / np.linalg.norm(known - mean, axis=1)
        assert (scores.argmax(axis=1) == np.arange(len(paths))).mean() >= 0.95, kind


def write_with_pyav(
    path: Path, codec: str, frames: list[np.ndarray], *, seconds_of_sound: int = 0, **options: str
) -> Path:
    """Write RGB frames as OpenCV cannot."""
    av = pytest.importorskip("av", reason="pip install 'multimodal-rec[av]'")
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=FPS, options=options)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        sound = container.add_stream("libopus", rate=48_000) if seconds_of_sound else None
        for frame in [*(av.VideoFrame.from_ndarray(pixels, format="rgb24") for pixels in frames), None]:
            container.mux(stream.encode(frame))
        for second in range(seconds_of_sound):
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 96_000), np.int16), format="s16", layout="stereo")
            silence.sample_rate, silence.pts = 48_000, 48_000 * second
            container.mux(sound.encode(silence))
        if sound:
            container.mux(sound.encode(None))
    return path


@pytest.fixture
def av1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clip of two shots in a codec that OpenCV's wheels cannot decode."""
    monkeypatch.setenv("SVT_LOG", "0")
    return write_with_pyav(tmp_path / "new.mp4", "libsvtav1", still(1, 30) + still(2, 50), preset="10")


@pytest.fixture
def interlaced(tmp_path: Path) -> Path:
    """A clip of two shots that versions of OpenCV show as memory that nobody wrote to."""
    frames = [np.asarray(draw(seed, (640, 480))) for seed in [1] * 30 + [2] * 50]
    return write_with_pyav(tmp_path / "field.mpg", "mpeg2video", frames, flags="+ilme+ildct", b="8M")


@pytest.mark.parametrize("kind", ["av1", "interlaced"])
def test_what_opencv_cannot_show_pyav_does(
    kind: str, image_encoder: encoders.ImageEncoder, request: pytest.FixtureRequest
) -> None:
    path = request.getfixturevalue(kind)
    result = encode(image_encoder, path)
    assert [round(start, 1) for start, _ in result.spans] == [0.0, 1.2]
    shown = sample_frame(path, result.spans[1])
    singles = image_encoder.encode([draw(seed, shown.size) for seed in (1, 2)])
    assert cosines(result.parts[:, None], singles[None]).argmax(axis=1).tolist() == [0, 1]
    assert np.abs(np.asarray(shown, float) - np.asarray(draw(2, shown.size), float)).mean() < 12


@pytest.mark.parametrize("kind", ["av1", "interlaced"])
def test_without_pyav_what_opencv_cannot_show_is_told(
    kind: str, image_encoder: encoders.ImageEncoder, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = request.getfixturevalue(kind)
    monkeypatch.setattr(video_scan, "is_installed", lambda: False)
    ((_, result),) = encode_videos(image_encoder, [path])
    if isinstance(result, Encoding):  # OpenCV 4.12 can, for one
        assert [round(start, 1) for start, _ in result.spans] == [0.0, 1.2]
    else:
        assert str(result).endswith("; try pip install 'multimodal-rec[av]'")
        assert {"av1": "such as AV1", "interlaced": "it is interlaced"}[kind] in str(result)


@pytest.mark.parametrize("name", ["clip.avi", "clip.mp4", "turned.mp4"])
def test_both_decoders_give_the_same(name: str, tmp_path: Path) -> None:
    pytest.importorskip("av", reason="pip install 'multimodal-rec[av]'")
    path = write(tmp_path / name, still(1, 30) + still(2, 30) + still(3, 30))
    if name == "turned.mp4":
        content = bytearray(path.read_bytes())
        place = content.index(b"tkhd") + 4 + 40
        content[place : place + 36] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
        path.write_bytes(content)
    assert read_packets(path, opencv) == read_packets(path, pyav)
    with open_video(path, opencv) as one, open_video(path, pyav) as other:
        assert (one.stated_frames, one.stated_seconds, one.fps) == (90, 3.6, FPS)
        assert (other.stated_frames, other.stated_seconds, other.fps) == (90, 3.6, FPS)
        assert one.cost == other.cost
        ours, theirs = list(one.frames()), list(other.frames())
    assert len(ours) == len(theirs) == 90
    for mine, its in zip(ours, theirs, strict=True):
        assert (mine.number, mine.seconds) == (its.number, pytest.approx(its.seconds))
        np.testing.assert_array_equal(mine.pixels, its.pixels)
    with open_video(path, pyav) as video:
        for number in (40, 89, 0):
            sought = video.frame_near(number)
            assert sought is not None
            assert sought.seconds == pytest.approx(number / FPS)
            np.testing.assert_array_equal(sought.pixels, ours[number].pixels)


def test_a_clip_that_becomes_interlaced(tmp_path: Path) -> None:
    """OpenCV shows the last frame that it could, again and again."""
    first = write_with_pyav(tmp_path / "first.mpg", "mpeg2video", still(1, 50), b="8M")
    second = write_with_pyav(tmp_path / "second.mpg", "mpeg2video", still(2, 50) + still(3, 50), flags="+ilme", b="8M")
    path = tmp_path / "joined.mpg"
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as joined:
        stream, before = None, 0
        for part in (first, second):
            with av.open(str(part)) as container:
                stream = stream or joined.add_stream_from_template(container.streams.video[0])
                start = container.streams.video[0].start_time
                for packet in container.demux(video=0):
                    if packet.dts is not None:
                        packet.pts, packet.dts = packet.pts - start + before, packet.dts - start + before
                        packet.stream = stream
                        joined.mux(packet)
            before += 2 * 90_000
    assert [round(shot.start, 1) for shot in find_shots(path)] == [0.0, 2.0, 4.0]


def test_a_codec_that_nobody_knows(image_encoder: encoders.ImageEncoder, tmp_path: Path) -> None:
    pytest.importorskip("av", reason="pip install 'multimodal-rec[av]'")
    content = write_with_pyav(tmp_path / "good.mp4", "libx264", still(1, 10)).read_bytes()
    (tmp_path / "odd.mp4").write_bytes(content.replace(b"avc1", b"xvc9"))
    (_, odd), (_, good) = encode_videos(image_encoder, [tmp_path / "odd.mp4", tmp_path / "good.mp4"])
    assert str(odd).endswith("PyAV does not read it either")
    assert isinstance(good, Encoding)


def test_damaged_clips_are_encoded_or_refused(tmp_path: Path) -> None:
    """Some of these seem to hold further streams, which begin in their middle."""
    frames = still(1, 75) + still(2, 75)
    content = write_with_pyav(
        tmp_path / "whole.ts", "libx264", frames, **{"x264-params": "interlaced=1:bff=1"}
    ).read_bytes()
    read = 0
    for seed in range(12):
        damaged = np.frombuffer(content, np.uint8).copy()
        rng = np.random.default_rng(seed)
        damaged[rng.integers(0, len(damaged), 300)] = rng.integers(0, 256, 300)
        (tmp_path / "damaged.ts").write_bytes(damaged.tobytes())
        with suppress(MediaError):
            read += len(find_shots(tmp_path / "damaged.ts")) > 0
    assert read > 0


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_sound_that_lasts_longer_is_no_lost_end(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"long{suffix}"
    write_with_pyav(path, "libx264", still(1, 50) + still(2, 50), seconds_of_sound=20)
    assert video_scan.scan_clip(path, 120).note == ""
    content = path.read_bytes()
    if suffix == ".mkv":  # of the other one the index is at its end
        path.write_bytes(content[: len(content) // 3])
        assert "that its header states" in video_scan.scan_clip(path, 120).note


def test_frames_over_the_limit_are_not_decoded(
    av1: Path, image_encoder: encoders.ImageEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("encoders.video_pyav.MOST_PIXELS", 10_000)  # less than what the header states
    ((_, result),) = encode_videos(image_encoder, [av1])
    assert isinstance(result, MediaError)
    assert str(result).endswith("PyAV does not read it either")


def test_a_damaged_frame_does_not_end_a_clip(image_encoder: encoders.ImageEncoder, tmp_path: Path) -> None:
    path = write(tmp_path / "damaged.avi", still(1, 30) + still(2, 30))
    content = bytearray(path.read_bytes())
    places = [found.end() + 4 for found in re.finditer(b"00dc", content)][5:8]
    for place in places:
        content[place : place + 400] = bytes(400)
    path.write_bytes(content)
    assert [round(start, 1) for start, _ in encode(image_encoder, path).spans] == [0.0, 1.2]


def test_a_rate_of_the_clock_is_not_that_of_the_frames(image_encoder: encoders.ImageEncoder, tmp_path: Path) -> None:
    """As browsers write what they record: a thousand ticks a second, whatever frames there are."""
    cv2 = import_cv2()
    path = tmp_path / "recorded.webm"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"VP80"), FPS, (160, 120))
    for frame in still(1, 30) + still(2, 50):
        writer.write(np.ascontiguousarray(frame[:, :, ::-1]))
    writer.release()
    content = path.read_bytes()
    stated = b"\x23\xe3\x83\x84" + (40_000_000).to_bytes(4, "big")  # nanoseconds of a frame
    assert content.count(stated) == 1
    path.write_bytes(content.replace(stated, stated[:4] + (1_000_000).to_bytes(4, "big")))
    assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FPS) == 1000
    assert [round(start, 1) for start, _ in encode(image_encoder, path).spans] == [0.0, 1.2]


def test_a_path_that_opencv_cannot_open_is_told(image_encoder: encoders.ImageEncoder, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"bad\xff.avi")
    write(tmp_path / "good.avi", still(1, 5)).rename(path)
    ((_, result),) = encode_videos(image_encoder, [path])
    assert isinstance(result, MediaError)
    assert "not in UTF-8" in str(result)


def test_long_thin_frames_are_kept_small() -> None:
    pixels = np.zeros((16_000, 250, 3), np.uint8)
    assert candidate(Frame(0, 0.0, pixels), 256).pixels.size < 4.1 * 3 * 256**2
    assert candidate(Frame(0, 0.0, np.zeros((1080, 1920, 3), np.uint8)), 256).pixels.shape == (256, 455, 3)


def test_frames_that_are_slow_to_decode_are_sought_less_often(tmp_path: Path) -> None:
    assert len(places(6000, range(6000), 1200, 240.0)) == 64
    assert len(places(75, range(75), 11, 3.0)) == 8
    keys = list(range(0, 720, 60))  # twelve seconds of 4K at 60 frames a second
    assert places(720, keys, 300, 12.0) == keys
    assert places(7200, keys, 300, 120.0) == []
    assert len(places(1500, range(0, 1500, 30), 75, 60.0)) == 9  # a minute of 8K
    assert len(places(1500, range(1500), 2, 60.0)) == 8
    fast, slow = (tmp_path / name for name in ("fast.mp4", "slow.avi"))
    write(fast, still(1, 3))
    write(slow, still(1, 3))
    with open_video(fast) as one, open_video(slow) as other:
        assert (one.cost, other.cost) == (160 * 120, 2 * 160 * 120)


def test_a_picture_is_no_clip(image_encoder: encoders.ImageEncoder, tmp_path: Path) -> None:
    path = tmp_path / "picture.mp4"
    draw(1, (64, 48)).save(path, format="JPEG")
    ((_, result),) = encode_videos(image_encoder, [path])
    assert str(result) == "picture.mp4: a picture, not a video"
