"""A flow whose end counts, whether or not Prefect's server hears of it.

Prefect shows what runs; the work and its record need no server. `run_shown` runs a flow and hands back what its body
came to, also where the server has gone by then.
"""

from __future__ import annotations

import inspect
import logging
import os
import sys
import threading
from collections.abc import Callable
from copy import copy
from functools import wraps
from typing import ParamSpec, TypeVar

from prefect import Flow
from prefect.context import FlowRunContext, TaskRunContext

from flows.mistakes import server_is_away
from flows.runtime import console
from models.errors import UserError

P = ParamSpec("P")
R = TypeVar("R")

_lost = threading.Event()


class NotShown(UserError):  # noqa: N818  # an error by its base
    """The work is done and recorded, and Prefect's server does not know of it."""

    exit_status = 3

    def __init__(self) -> None:
        super().__init__(
            "Done and recorded, but Prefect's server was away and does not know of it.",
            "Nothing is missing, nothing has to be done again: whatever its pages say of this run, the record counts.",
        )


def run_shown(flow: Flow[P, R], alone: Callable[P, R] | None, *args: P.args, **kwargs: P.kwargs) -> tuple[R, bool]:
    """Run a flow from a command.

    Args:
        flow: to run.
        alone: does the same without Prefect, for where its server is lost before the body of the flow has ended.
        args, kwargs: of the flow.

    Returns:
        What the flow came to, and whether Prefect's server knows.

    Raises:
        BaseException: whatever the body of the flow did not get over; what the server says where that is no outage.
    """
    values: list[R] = []
    errors: list[BaseException] = []

    @wraps(flow.fn)
    def body(*given: P.args, **named: P.kwargs) -> R:
        try:
            values.append(flow.fn(*given, **named))
        except BaseException as error:
            errors.append(error)
            raise
        return values[-1]

    # Types instead of their names, which Prefect would look up in this file.
    body.__signature__ = inspect.signature(flow.fn, eval_str=True)  # type: ignore[attr-defined]
    watched = copy(flow)
    watched.fn = body
    try:
        return watched(*args, **kwargs), True
    except Exception as error:
        if not server_is_away(error):
            raise
        _lost.set()
        if values:
            return values[-1], False
        if errors and not (isinstance(errors[-1], Exception) and server_is_away(errors[-1])):
            raise errors[-1] from error
        if alone is None:
            raise
        console.print(f"Warning: Prefect's server is away ({error}). Going on without it.", markup=False)
    return alone(*args, **kwargs), False


def in_a_run() -> bool:
    """Whether Prefect runs this: where it does not, there is nobody to show anything to."""
    return FlowRunContext.get() is not None or TaskRunContext.get() is not None


def leave(status: int) -> None:
    """End this process at once where the server was lost: Prefect would first try for hours to tell of every task.

    Our own server, which would be stopped at the end of the process, is stopped here.
    """
    if not _lost.is_set() or not isinstance(sys.exc_info()[1], SystemExit | None):  # a bug keeps its traceback
        return
    from prefect.server.api.server import SubprocessASGIServer

    SubprocessASGIServer().stop()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
