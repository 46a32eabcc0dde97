"""Work done ahead on threads, in order, within bounds of memory and of time: no item can hold up those after it."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")

THREADS, AHEAD = 2, 4
"""Threads that work, and results that may wait: memory stays bounded whatever the number of items."""

LOOK_EVERY_S = 1.0


def work_ahead(
    items: Iterable[T],
    work: Callable[[T], U],
    late: Callable[[T], U] | None = None,
    limit_s: float = math.inf,
    is_large: Callable[[U], bool] = lambda _: False,
    threads: int = THREADS,
    ahead: int = AHEAD,
) -> Iterator[U]:
    """`work` of every item, in order.

    A thread cannot be stopped from outside. One that is at an item for too long is left alone with it, and another
    takes its place; the threads are daemons, so that none keeps the process from ending.

    Args:
        items: taken from as they are needed.
        work: what it raises is raised here, in the item's turn.
        late: makes what stands for the result of an item that took more than `limit_s`.
        limit_s: for one item.
        is_large: of a result: while it waits for its turn, its thread begins nothing new.
        threads: that work.
        ahead: results that may wait.

    >>> list(work_ahead([1, 2, 3], lambda x: x * x, threads=2, ahead=1))
    [1, 4, 9]
    """
    line: SimpleQueue[_Task[T, U] | None] = SimpleQueue()
    waiting: deque[_Task[T, U]] = deque()

    def do() -> None:
        while (task := line.get()) is not None and task.do(work):
            if task.value and is_large(task.value[0]):
                task.taken.wait()

    def start() -> None:
        threading.Thread(target=do, name="ahead", daemon=True).start()

    def oldest() -> U:
        first = waiting[0]
        while not first.done.wait(min(LOOK_EVERY_S, limit_s)):
            for task in waiting:
                if late is not None and task.is_late(limit_s) and task.end(late(task.item)):
                    start()
        waiting.popleft()
        return first.result()

    for _ in range(threads):
        start()
    last: _Task[T, U] | None = None
    try:
        for item in items:
            task: _Task[T, U] = _Task(item)
            waiting.append(task)
            line.put(task)
            if len(waiting) > ahead:
                last = waiting[0]
                yield oldest()
                last.taken.set()
        while waiting:
            last = waiting[0]
            yield oldest()
            last.taken.set()
    finally:
        _send_home(line, [*waiting, *([last] if last else [])], threads)


def _send_home(line: SimpleQueue[_Task[T, U] | None], held: Sequence[_Task[T, U]], threads: int) -> None:
    """Let the threads end; those that wait until a large result is taken need wait no more."""
    with suppress(Empty):
        while True:
            line.get_nowait()  # what nobody has begun stays undone
    for task in held:
        task.taken.set()
    for _ in range(threads):
        line.put(None)


class _Task(Generic[T, U]):
    """One item on its way."""

    def __init__(self, item: T) -> None:
        self.item = item
        self.done, self.taken = threading.Event(), threading.Event()
        self.value: list[U] = []
        self._began: float | None = None
        self._error: BaseException | None = None
        self._ending = threading.Lock()

    def do(self, work: Callable[[T], U]) -> bool:
        """Work; False where the result came too late."""
        self._began = time.monotonic()
        try:
            return self.end(work(self.item))
        except BaseException as error:  # of whatever kind: it belongs to whoever waits
            return self.end(error=error)

    def end(self, *value: U, error: BaseException | None = None) -> bool:
        """Take this result, unless there is one."""
        with self._ending:
            if self.done.is_set():
                return False
            self.value, self._error = [*value], error
            self.done.set()
            return True

    def is_late(self, limit_s: float) -> bool:
        """Whether it is at work for more than `limit_s`."""
        return self._began is not None and not self.done.is_set() and time.monotonic() - self._began > limit_s

    def result(self) -> U:
        """What came of it; or raise that."""
        if self._error is not None:
            raise self._error
        return self.value.pop()
