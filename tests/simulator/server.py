# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serves the simulator: one uvicorn process on loopback that prints its address when it is ready."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import uvicorn

from simulator.control import control_app
from simulator.gate import Gate
from simulator.play import add_examples, shell_lines
from simulator.simulation import Settings, Simulation

_KEEP_ALIVE_SECONDS = 120
_SHUTDOWN_SECONDS = 1


@dataclass(frozen=True)
class Listener:
    """Where to listen, where to write the port, and when to end."""

    host: str
    port: int
    port_file: Path | None = None
    tls_cert: str | None = None
    tls_key: str | None = None
    exit_with_parent: bool = False
    play: bool = False


class Server(uvicorn.Server):
    """Prints its address when it is ready, and ends with exit code 0 on a signal or with its parent process."""

    def __init__(self, config: uvicorn.Config, listener: Listener, port: int, simulation: Simulation) -> None:
        super().__init__(config)
        self._listener = listener
        self._port = port
        self._simulation = simulation
        self._parent = os.getppid()

    def handle_exit(self, sig: int, _frame: FrameType | None) -> None:
        """End after the running requests. A second SIGINT ends at once."""
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, write the port file, and print the address; with `--play` also the commands for a shell."""
        await super().startup(sockets=sockets)
        listener = self._listener
        if listener.port_file is not None:
            write_atomically(listener.port_file, f"{self._port}\n")
        host = f"[{listener.host}]" if ":" in listener.host else listener.host
        url = f"{'https' if listener.tls_cert else 'http'}://{host}:{self._port}"
        output = f"simulator listening on {url} profile={self._simulation.profile_name}"
        if listener.play:
            output = f"# {output}\n{shell_lines(self._simulation, url, listener.tls_cert)}"
        print(output, flush=True)

    async def on_tick(self, counter: int) -> bool:
        """Runs ten times a second. True ends the server."""
        orphaned = self._listener.exit_with_parent and os.getppid() != self._parent
        return await super().on_tick(counter) or orphaned


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that a reader never sees a part of it."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text)
    fresh.replace(path)


def _bound_socket(listener: Listener) -> socket.socket:
    family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio needs it for TCP_NODELAY
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((listener.host, listener.port))
    return bound


def serve(settings: Settings, listener: Listener) -> None:
    """Serve until a signal arrives."""
    simulation = Simulation(settings)
    if listener.play:
        add_examples(simulation)
    bound = _bound_socket(listener)
    gate = Gate(simulation, control_app(simulation))
    config = uvicorn.Config(
        gate,
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,  # the gate sets it from the simulated clock
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        ssl_certfile=listener.tls_cert,
        ssl_keyfile=listener.tls_key,
    )
    server = Server(config, listener, bound.getsockname()[1], simulation)
    gate.connections = server.server_state.connections
    try:
        asyncio.run(server.serve(sockets=[bound]))
    finally:
        simulation.store.database.close()
