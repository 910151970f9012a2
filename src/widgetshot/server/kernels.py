"""The kernels of the headless server."""

from datetime import UTC, datetime
from typing import Any

from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager


class Kernels(AsyncMappingKernelManager):
    """Does not listen to kernels by itself.

    A server takes every message apart to tell when a kernel was last used, so that idle ones can be ended. Ours are
    ended by who started them, and their pages are opened when their cells have run: they are idle.
    """

    def start_watching_activity(self, kernel_id: str) -> None:
        kernel: Any = self._kernels[kernel_id]
        kernel.reason = ""
        kernel.last_activity = datetime.now(UTC)
        kernel.execution_state = "idle"
