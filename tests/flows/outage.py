"""A gate in front of a Prefect server: shut, it answers every call with a status, as a server without its database."""

from __future__ import annotations

import contextlib
import socket
import threading
from urllib.parse import urlsplit


class Gate:
    """Passes connections on to a server while it is open.

    Attributes:
        url: to give to clients instead of the server's.
        refused: calls that met it shut.
    """

    def __init__(self, api: str) -> None:
        parts = urlsplit(api)
        self._server = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}{parts.path}"
        self._status = 0
        self.refused = 0
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    def shut(self, status: int = 500) -> None:
        """Break every connection, and from now on answer with `status`."""
        with self._guard:
            self._status = status
            for end in self._open:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def open(self) -> None:
        """Let calls through again."""
        self._status = 0

    def close(self) -> None:
        """Refuse even connections."""
        self.shut()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _listen(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            if self._status:
                self.refused += 1
                client.recv(65536)
                client.sendall(
                    f"HTTP/1.1 {self._status} Gone\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
                )
                return
            with socket.create_connection(self._server) as server:
                with self._guard:
                    self._open |= {client, server}
                back = threading.Thread(target=self._pass, args=(server, client), daemon=True)
                back.start()
                self._pass(client, server)
                back.join()
                with self._guard:
                    self._open -= {client, server}

    @staticmethod
    def _pass(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
