"""Work done aside comes back, also from a forked process and from threads that outlive the main one."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from multimodal_rec import Query, QueryError, Recommender
from multimodal_rec.threads import aside
from tests.multimodal_rec.test_changes import built, row, table, workspace

__all__ = ["built", "row", "table", "workspace"]


def test_results_and_errors_come_back() -> None:
    assert aside(pow, 2, 10).result() == 1024
    with pytest.raises(ZeroDivisionError):
        aside(divmod, 1, 0).result()


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()


def test_a_library_that_is_loaded_later_is_kept_to_one_thread_too() -> None:
    pytest.importorskip("scipy")
    code = (
        "from multimodal_rec.threads import one_thread; from threadpoolctl import threadpool_info, threadpool_limits\n"
        "with one_thread: first = len(threadpool_info())\n"
        "import scipy.linalg\n"
        "with threadpool_limits(2, user_api='blas'), one_thread:\n"
        "    print(len(threadpool_info()) > first, {each['num_threads'] for each in threadpool_info()})"
    )
    assert run(code) == "True {1}"


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="this system cannot fork")
def test_a_forked_process_has_threads_of_its_own() -> None:
    code = """
import os
from multimodal_rec.threads import aside
aside(pow, 2, 2).result()
if os.fork():
    os.wait()
else:
    print(aside(pow, 2, 10).result(timeout=20), flush=True)
    os._exit(0)
"""
    assert run(code) == "1024"


def test_a_thread_may_go_on_after_the_main_one() -> None:
    code = """
import threading, time
from multimodal_rec.threads import aside
aside(pow, 2, 2).result()
def late():
    threading.main_thread().join()
    time.sleep(0.2)
    print(aside(pow, 2, 10).result())
threading.Thread(target=late).start()
"""
    assert run(code) == "1024"


def test_a_search_that_fails_leaves_no_work_behind(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its words are looked up in files that may be closed right after."""
    ended: list[bool] = []
    with Recommender.open(workspace) as rec:
        by_words = rec._by_words

        def slow(queries: list[Query], limits: list[object]) -> list[dict[str, float]]:
            time.sleep(0.3)
            found = by_words(queries, limits)
            ended.append(True)
            return found

        monkeypatch.setattr(rec, "_by_words", slow)
        with pytest.raises(QueryError):
            rec.search("a red cat", taste=2)
        assert ended == [True]
