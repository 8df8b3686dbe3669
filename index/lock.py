"""Many searches at once, or one change: never both."""

from __future__ import annotations

from threading import Condition, Lock


class ReadWriteLock:
    """`with lock.reading` lets any number in together, `with lock.writing` each alone; waiting writers go first.

    A thread must not ask for it again while it holds it.
    """

    def __init__(self) -> None:
        state = _State()
        self.reading = _Reading(state)
        self.writing = _Writing(state)


class _State:
    def __init__(self) -> None:
        self.mutex = Lock()
        self.changed = Condition(self.mutex)
        self.readers = 0
        self.writing = False
        self.waiting_writers = 0


class _Reading:
    def __init__(self, state: _State) -> None:
        self._state = state

    def __enter__(self) -> None:
        state = self._state
        with state.mutex:
            while state.writing or state.waiting_writers:
                state.changed.wait()
            state.readers += 1

    def __exit__(self, *_: object) -> None:
        state = self._state
        with state.mutex:
            state.readers -= 1
            if state.waiting_writers and not state.readers:
                state.changed.notify_all()


class _Writing:
    def __init__(self, state: _State) -> None:
        self._state = state

    def __enter__(self) -> None:
        state = self._state
        with state.mutex:
            state.waiting_writers += 1
            while state.writing or state.readers:
                state.changed.wait()
            state.waiting_writers -= 1
            state.writing = True

    def __exit__(self, *_: object) -> None:
        state = self._state
        with state.mutex:
            state.writing = False
            state.changed.notify_all()
