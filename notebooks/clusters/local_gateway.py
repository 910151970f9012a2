"""A dask-gateway on this computer: its server, its proxy, and clusters of local processes, all on the loopback."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from dask_gateway import Gateway
from ends_with_kernel import ends_with_kernel

# "Unsafe" is the backend whose clusters belong to whoever runs the gateway, as everything in this notebook does.
_CONFIG = """
c.DaskGateway.backend_class = "dask_gateway_server.backends.local.UnsafeLocalBackend"
c.DaskGateway.authenticator_class = "dask_gateway_server.auth.SimpleAuthenticator"
c.DaskGateway.address = "127.0.0.1:0"
c.Proxy.address = "127.0.0.1:{port}"
c.UnsafeLocalBackend.clusters_directory = {folder!r}
c.UnsafeLocalBackend.inherited_environment = {variables!r}
c.UnsafeLocalBackend.cluster_heartbeat_period = 1
c.UnsafeLocalBackend.sigint_timeout = 1
c.ClusterConfig.scheduler_cmd = [{python!r}, "-m", "dask", "scheduler"]
c.ClusterConfig.worker_cmd = [{python!r}, "-m", "dask", "worker"]
c.ClusterConfig.worker_cores = 1
c.ClusterConfig.worker_memory = "512 M"
c.ClusterConfig.adaptive_period = 0.5
"""


def start_gateway(folder, timeout=60):
    """Start a gateway that ends with this kernel.

    Args:
        folder: for its files.
        timeout: seconds until it must answer.

    Returns:
        (its process, a `dask_gateway.Gateway` connected to it)
    """
    folder = Path(folder).resolve()
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = folder / "config.py"
    settings = {"port": port, "folder": str(folder), "python": sys.executable, "variables": sorted(os.environ)}
    config.write_text(_CONFIG.format(**settings), encoding="utf-8")
    with (folder / "gateway.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "dask_gateway_server", "--config", config], cwd=folder, stdout=log, stderr=log
        )
    ends_with_kernel(process.pid)
    address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + timeout
    while not _answers(f"{address}/api/health"):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError((folder / "gateway.log").read_text())
        time.sleep(0.05)
    return process, Gateway(address, auth="basic")


def _answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, ConnectionError):
        return False
