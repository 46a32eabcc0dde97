"""How every command that runs a flow starts."""

from __future__ import annotations

from flows import runtime


def start_prefect() -> None:
    """Make Prefect ready for a command, with a server of its own where none is named."""
    from pipeline.settings import home

    home().mkdir(parents=True, exist_ok=True)  # where it cannot be made, say so before anything starts
    runtime.configure()
    runtime.show_lines()
    from flows.own_server import start_own_server

    start_own_server()
