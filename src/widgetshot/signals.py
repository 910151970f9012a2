"""The signals that tell a server to stop."""

import asyncio
import signal


def told_to_stop() -> asyncio.Event:
    """Return what is set when the process is told to stop: by Ctrl-C, SIGTERM, or the end of its terminal."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            try:
                loop.add_signal_handler(getattr(signal, name), stop.set)
            except NotImplementedError:  # Windows
                signal.signal(getattr(signal, name), lambda *_: loop.call_soon_threadsafe(stop.set))
    return stop
