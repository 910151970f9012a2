"""Kernels that are forked from a process which has loaded their modules already.

A kernel provisioner of jupyter_client. It takes over IPython kernels of any interpreter; every other kernel, and all
of them where there is no fork, are started in the ordinary way.
"""

import asyncio
from pathlib import Path
from typing import Any

from jupyter_client.provisioning import LocalProvisioner

from widgetshot.server.zygotes import CAN_FORK, ZYGOTES, split

# Nobody looks into the history of a kernel whose home is thrown away; a file of it costs several waits for the disk.
_NO_HISTORY = "--HistoryManager.hist_file=:memory:"


class Provisioner(LocalProvisioner):
    """Forks what it can, starts the rest as jupyter_client does."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """See `LocalProvisioner.launch_kernel`."""
        parts = split(cmd)
        if not CAN_FORK or parts is None or kwargs.get("independent"):
            return await super().launch_kernel(cmd, **kwargs)
        interpreter, argv = parts
        argv = [*argv, _NO_HISTORY]
        environment, cwd = dict(kwargs["env"]), str(kwargs.get("cwd") or Path.cwd())
        # Whoever asks first waits for its modules too, which must not keep others waiting.
        process = await asyncio.to_thread(lambda: ZYGOTES.get(interpreter, environment).fork(argv, cwd, environment))
        self.process = process
        self.pid = self.pgid = process.pid
        self.cwd = kwargs.get("cwd", Path.cwd())
        return self.connection_info
