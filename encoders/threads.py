"""How many threads to use, and whether a CUDA device may be worth asking for."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

MOST_THREADS = 8  # beyond this small models gain little and other programs suffer


def default_threads() -> int:
    """Return the number of physical cores this process may run on, at most 8."""
    try:
        allowed = os.sched_getaffinity(0)
    except AttributeError:  # macOS and Windows cannot say
        return max(1, min(os.cpu_count() or 1, MOST_THREADS))
    return max(1, min(_physical_cores(allowed), _cpu_quota(), MOST_THREADS))


def _physical_cores(logical: set[int]) -> int:
    """Count the physical cores behind some logical ones; two threads of one core share its arithmetic units."""
    cores = set()
    for cpu in logical:
        topology = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology")
        try:
            cores.add(((topology / "physical_package_id").read_text(), (topology / "core_id").read_text()))
        except OSError:
            return len(logical)
    return len(cores)


def _cpu_quota() -> int:
    """Return the CPU quota of the control group in whole cores, or a large number where there is none."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
    except (OSError, ValueError):
        return 1 << 16
    return 1 << 16 if quota == "max" else max(1, round(int(quota) / int(period)))


def cuda_available() -> bool:
    """Say whether torch can use a CUDA device, without importing torch where no driver is installed."""
    driver = Path("/dev/nvidiactl").exists() or Path("/dev/dxg").exists() or shutil.which("nvidia-smi") is not None
    if not driver or os.environ.get("CUDA_VISIBLE_DEVICES") in {"", "-1"}:
        return False
    import torch

    return torch.cuda.is_available()


def prefer_cpu() -> None:
    """Keep this process off CUDA, unless the user says which devices are visible.

    That is for a process that encodes a single query: on the CPU it has its answer before CUDA has started.
    """
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
