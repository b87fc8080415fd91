# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start the simulator with `python -m simulator` or `python FOLDER`; README.md explains the options."""

from __future__ import annotations

import argparse
import importlib.util
import ipaddress
import os
import sys
from pathlib import Path

_PACKAGES = {
    "joserfc": "joserfc",
    "jsonschema_rs": "jsonschema-rs",
    "starlette": "starlette",
    "uvicorn": "uvicorn",
    "yaml": "pyyaml",
}
_MISSING = [package for module, package in _PACKAGES.items() if importlib.util.find_spec(module) is None]
if _MISSING:
    sys.exit(f"The simulator needs more packages. Install them: {sys.executable} -m pip install {' '.join(_MISSING)}")
if not __package__:  # "python FOLDER" puts the folder itself on the path; imports need its parent
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from simulator.named import every_profile, named_profile
from simulator.profiles import UnknownSwitch
from simulator.server import Listener, serve
from simulator.simulation import Settings

DEFAULT_ADMIN_SECRET = "simulator-admin-secret"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulator", description="A simulator of Aritma IAM and Aritma ID.")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=0, help="0 means a free port")
    parser.add_argument("--state", default=":memory:", help="a file for the state, or :memory:")
    parser.add_argument("--profile", default="documented", help=f"a file, or one of {', '.join(every_profile())}")
    parser.add_argument("--set", action="append", default=[], metavar="SWITCH=VALUE", dest="switches")
    parser.add_argument("--port-file", type=Path, help="a file for the port, written when the simulator is ready")
    parser.add_argument("--tls-cert", help="a PEM file; serve https, with --tls-key")
    parser.add_argument("--tls-key", help="a PEM file")
    parser.add_argument("--admin-client-id", default="admin")
    parser.add_argument(
        "--admin-client-secret-file", type=Path, help="default: SIMULATOR_ADMIN_SECRET, else a fixed one"
    )
    parser.add_argument("--play", action="store_true", help="create some clients, and print commands for a shell")
    parser.add_argument("--exit-with-parent", action="store_true", help="end when the parent process ends")
    return parser


def _admin_secret(file: Path | None) -> str:
    if file is not None:
        return file.read_text().strip()
    return os.environ.get("SIMULATOR_ADMIN_SECRET") or DEFAULT_ADMIN_SECRET


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and serve."""
    parser = _parser()
    options = parser.parse_args(arguments)
    pairs = [pair.partition("=") for pair in options.switches]
    switches = {name: value for name, _unused, value in pairs}
    if not _is_loopback(options.host):
        parser.error("--host must be a loopback address: the control API has no authorisation")
    if not all(equals for _name, equals, _value in pairs):
        parser.error("--set takes SWITCH=VALUE")
    if options.play and options.admin_client_secret_file:
        parser.error("--play prints the secret of the admin, so it cannot be used with --admin-client-secret-file")
    try:
        named_profile(options.profile, switches)
    except UnknownSwitch as error:
        parser.error(str(error))
    settings = Settings(
        state=options.state,
        profile=options.profile,
        switches=switches,
        admin_client_id=options.admin_client_id,
        admin_client_secret=DEFAULT_ADMIN_SECRET if options.play else _admin_secret(options.admin_client_secret_file),
    )
    listener = Listener(
        host=options.host,
        port=options.port,
        port_file=options.port_file,
        tls_cert=options.tls_cert,
        tls_key=options.tls_key,
        exit_with_parent=options.exit_with_parent,
        play=options.play,
    )
    serve(settings, listener)


if __name__ == "__main__":
    main()
