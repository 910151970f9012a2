"""Kernels that are forked look, to a notebook, like kernels that were started."""

import asyncio
import contextlib
import fcntl
import itertools
import json
import os
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import psutil
import pytest
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import KernelProvisionerFactory

from projects import MEASURING, wait_until
from widgetshot.server.kernel_client import connect
from widgetshot.server.zygotes import CAN_FORK, ZYGOTES, Zygote, kernel_environment, split

pytestmark = pytest.mark.skipif(not CAN_FORK, reason="kernels are forked on Linux only")

# What a program can see of the process it runs in.
PROBE = """
import gc, json, multiprocessing, os, random, signal, sys, threading
print("PROBE" + json.dumps({
    "cwd": os.getcwd(),
    "environment": sorted(set(os.environ) - {"JPY_PARENT_PID"}),
    "path": sys.path,
    "argv": len(sys.argv[1:3]),
    "flags": str(sys.flags),
    "main": sorted(vars(sys.modules["__main__"]).keys() & {"preload", "serve", "Revived", "get_ipython"}),
    "ipywidgets": sorted(name for name in sys.modules if name.startswith("ipywidgets")),
    # What of Python's own is there already, nobody can tell from what happens when it is imported.
    "modules": sorted({name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names),
    "json": json.dumps.__module__,
    "wave": "wave" in sys.modules,
    "threads": sorted(type(thread).__name__ for thread in threading.enumerate()),
    "process": multiprocessing.current_process().name,
    "session": os.getsid(0) == os.getpid(),
    "signals": [str(signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGCHLD, signal.SIGTERM)],
    "wakeup": signal.set_wakeup_fd(-1),
    "hash": hash("widgetshot"),
    "stdin": os.readlink("/proc/self/fd/0").split(":")[0],
    "files": [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")
              if os.path.exists(f"/proc/self/fd/{fd}") and os.readlink(f"/proc/self/fd/{fd}").endswith(".txt")],
    "zone": __import__("time").tzname,
}))
"""
# As daemons become such: in a session of its own, an orphan, without an environment, in the root folder.
DAEMON = """
import os, pathlib, time
def daemon(file):
    if not os.fork():
        os.setsid()
        if not os.fork():
            os.chdir("/")
            pathlib.Path(file + ".new").write_text(str(os.getpid()))
            os.rename(file + ".new", file)
            os.execve("/bin/sleep", ["sleep", "500"], {})
        os._exit(0)
    os.wait()
    while not os.path.exists(file):
        pass
    return pathlib.Path(file).read_text()
"""
SPOIL = """
import json, os, random, signal, sys, threading, time, wave
json.dumps.__module__ = "spoilt"
os.environ["SPOILT"] = "1"
os.chdir("/")
sys.path.insert(0, "/spoilt")
random.seed(5)
kept = open({file!r}, "w")
threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
import ipywidgets
ipywidgets.IntSlider.value.default_value = 5
"""


@pytest.fixture(autouse=True)
def unmeasured_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels that these tests start without a server are not measured, as those of a server are not."""
    for name in MEASURING:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def factory() -> Iterator[KernelProvisionerFactory]:
    factory = KernelProvisionerFactory.instance()
    before = factory.default_provisioner_name
    yield factory
    factory.default_provisioner_name = before
    ZYGOTES.close()


async def run(km: Any, code: str) -> str:
    """What code prints in a running kernel."""
    kc = await connect(km)
    try:
        printed: list[str] = []
        reply = await kc.execute_interactive(
            code, output_hook=lambda msg: printed.append(msg["content"].get("text", "")), allow_stdin=False
        )
        assert reply["content"]["status"] == "ok", reply["content"]
        return "".join(printed)
    finally:
        kc.stop_channels()


def is_alive(pid: int) -> bool:
    """Whether a process runs: one that has ended is there until its parent asks, which need not be its first one."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


# Of kernels: one that has made none of its sockets yet is not seen in their folder.
NUMBERS = itertools.count()


async def start(factory: KernelProvisionerFactory, provisioner: str, folder: Path) -> Any:
    factory.default_provisioner_name = provisioner
    km = AsyncKernelManager(kernel_name="python3")
    # A folder of its own for the sockets, as the server gives it.
    km.transport = "ipc"
    km.ip = str(folder / f"{provisioner}-{next(NUMBERS)}")
    await km.start_kernel(cwd=str(folder), env=kernel_environment(folder) | {"TZ": "Asia/Tokyo"})
    return km


async def probe(km: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((await run(km, PROBE)).partition("PROBE")[2])
    return found


def test_forked_kernel_looks_like_a_started_one(factory: KernelProvisionerFactory, tmp_path: Path) -> None:
    async def go() -> None:
        forked = await start(factory, "widgetshot", tmp_path)
        started = await start(factory, "local-provisioner", tmp_path)
        try:
            assert "zygote" in " ".join(psutil.Process(forked.provisioner.pid).cmdline())
            assert "zygote" not in " ".join(psutil.Process(started.provisioner.pid).cmdline())
            one, other = await probe(forked), await probe(started)
            # A started kernel's standard input is a pipe that nobody holds.
            assert (one.pop("stdin"), other.pop("stdin")) == ("/dev/null", "pipe")
            # Forked ones keep their history in memory.
            one["threads"] = [name for name in one["threads"] if name != "HistorySavingThread"]
            other["threads"] = [name for name in other["threads"] if name != "HistorySavingThread"]
            assert one == other
        finally:
            await asyncio.gather(forked.shutdown_kernel(), started.shutdown_kernel())

    asyncio.run(go())


async def first_reply(km: Any) -> str:
    """What a kernel answers first to who has connected and then asks for something."""
    kc = await connect(km)
    try:
        kc.execute("1")
        return str((await kc.get_shell_msg(timeout=30))["msg_type"])
    finally:
        kc.stop_channels()


def test_kernel_that_is_known_to_welcome_is_asked_nothing(factory: KernelProvisionerFactory, tmp_path: Path) -> None:
    async def go() -> None:
        kernels = [await start(factory, "widgetshot", tmp_path) for _ in range(2)]
        started = await start(factory, "local-provisioner", tmp_path)
        try:
            replies = [await first_reply(km) for km in (*kernels, started)]
            assert replies == ["kernel_info_reply", "execute_reply", "kernel_info_reply"]
            # One that is late, or does not welcome after all, is asked.
            zygote = kernels[0].provisioner.process.zygote
            assert zygote.welcomes
            late = await start(factory, "widgetshot", tmp_path)
            os.kill(late.provisioner.pid, signal.SIGSTOP)
            reply = asyncio.ensure_future(first_reply(late))
            done, _ = await asyncio.wait([reply], timeout=1.5)
            os.kill(late.provisioner.pid, signal.SIGCONT)
            assert not done
            assert await reply == "kernel_info_reply"
            await late.shutdown_kernel()
        finally:
            await asyncio.gather(*(km.shutdown_kernel() for km in (*kernels, started)))

    asyncio.run(go())


def test_what_one_notebook_does_to_its_process_no_other_one_sees(
    factory: KernelProvisionerFactory, tmp_path: Path
) -> None:
    async def go() -> None:
        fresh = await start(factory, "widgetshot", tmp_path)
        before = await probe(fresh)
        spoilt = await start(factory, "widgetshot", tmp_path)
        await run(spoilt, SPOIL.format(file=str(tmp_path / "kept.txt")))
        after_there = await probe(spoilt)
        assert {name for name in before if before[name] != after_there[name]} >= {
            "cwd", "environment", "path", "ipywidgets", "json", "wave", "threads", "files"
        }  # fmt: skip
        later = await start(factory, "widgetshot", tmp_path)
        try:
            assert await probe(later) == before
            shown = "import ipywidgets, random; print(ipywidgets.IntSlider().value, random.random() == random.random())"
            assert await run(later, shown) == "0 False\n"
            drawn = "import random; print(random.random())"
            assert await run(later, drawn) != await run(fresh, drawn)
        finally:
            await asyncio.gather(*(km.shutdown_kernel() for km in (fresh, spoilt, later)))

    asyncio.run(go())


def test_ipywidgets_in_a_forked_kernel_is_what_an_import_gives(
    factory: KernelProvisionerFactory, tmp_path: Path
) -> None:
    code = """
import ipywidgets, ipywidgets.widgets.widget_int as deep, importlib, sys, comm
assert ipywidgets.__spec__.name == "ipywidgets" and ipywidgets.__spec__.origin == ipywidgets.__file__
assert ipywidgets.__loader__ is ipywidgets.__spec__.loader
assert sys.modules["ipywidgets.widgets.widget_int"] is deep and deep.IntSlider is ipywidgets.IntSlider
print(sorted(comm.get_comm_manager().targets), [f for f in sys.meta_path if getattr(f, 'name', '') == 'ipywidgets'])
"""

    async def go() -> None:
        said = []
        for provisioner in ("widgetshot", "local-provisioner"):
            km = await start(factory, provisioner, tmp_path)
            said.append(await run(km, code))
            await km.shutdown_kernel()
        assert said[0] == said[1]
        assert "jupyter.widget.control" in said[0]

    asyncio.run(go())


def test_end_of_a_forked_kernel_is_reported_and_its_exit_handlers_run(
    factory: KernelProvisionerFactory, tmp_path: Path
) -> None:
    async def go() -> None:
        km = await start(factory, "widgetshot", tmp_path)
        left = f"import atexit, pathlib; atexit.register(pathlib.Path({str(tmp_path / 'left')!r}).write_text, 'x')"
        await run(km, left)
        await km.shutdown_kernel()
        assert (tmp_path / "left").read_text() == "x"
        km = await start(factory, "widgetshot", tmp_path)
        process = km.provisioner.process
        os.kill(process.pid, signal.SIGKILL)
        assert await asyncio.to_thread(process.wait, 10) == -signal.SIGKILL
        assert not await km.is_alive()
        await km.shutdown_kernel(now=True)

    asyncio.run(go())


def test_after_the_death_of_a_zygote_its_kernels_are_dead_and_new_ones_come(
    factory: KernelProvisionerFactory, tmp_path: Path
) -> None:
    async def go() -> None:
        km = await start(factory, "widgetshot", tmp_path)
        process = km.provisioner.process
        daemon = int(await run(km, DAEMON + f"print(daemon({str(tmp_path / 'daemon')!r}))"))
        os.kill(process.zygote.pid, signal.SIGKILL)
        # Of what died so nobody could tell; what keeps the kernel ends with the zygote, and everything below it.
        assert await asyncio.to_thread(process.wait, 10) == -signal.SIGKILL
        wait_until(lambda: not any(map(is_alive, (process.pid, process.keeper, daemon))))
        again = await start(factory, "widgetshot", tmp_path)
        assert await run(again, "print(6 * 7)") == "42\n"
        await again.shutdown_kernel()
        await km.shutdown_kernel(now=True)

    asyncio.run(go())


def test_kernel_ends_with_the_process_that_keeps_it(factory: KernelProvisionerFactory, tmp_path: Path) -> None:
    async def go() -> None:
        km = await start(factory, "widgetshot", tmp_path)
        other = await start(factory, "widgetshot", tmp_path)
        process = km.provisioner.process
        daemon = int(await run(km, DAEMON + f"print(daemon({str(tmp_path / 'daemon')!r}))"))
        assert psutil.Process(process.pid).ppid() == process.keeper
        os.kill(process.keeper, signal.SIGKILL)
        assert await asyncio.to_thread(process.wait, 10) == -signal.SIGKILL
        assert not any(map(is_alive, (process.pid, daemon)))
        assert await run(other, "print(6 * 7)") == "42\n"
        await km.shutdown_kernel(now=True)
        await other.shutdown_kernel(now=True)

    asyncio.run(go())


def test_keeper_stays_until_all_that_its_kernel_started_has_ended(
    factory: KernelProvisionerFactory, tmp_path: Path
) -> None:
    async def go() -> None:
        km = await start(factory, "widgetshot", tmp_path)
        keeper = psutil.Process(km.provisioner.process.keeper)
        daemon = int(await run(km, DAEMON + f"print(daemon({str(tmp_path / 'daemon')!r}))"))
        assert psutil.Process(daemon).ppid() == keeper.pid
        await km.shutdown_kernel()
        assert [child.pid for child in keeper.children()] == [daemon]
        os.kill(daemon, signal.SIGKILL)
        wait_until(lambda: not is_alive(keeper.pid))
        assert not psutil.pid_exists(daemon)

    asyncio.run(go())


def test_zygote_and_kernels_end_with_whoever_started_them(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from widgetshot.server.zygotes import Zygote, kernel_environment\n"
        "environment = kernel_environment(Path(sys.argv[1]))\n"
        "zygote = Zygote([sys.executable], environment)\n"
        "print(zygote.pid, zygote.fork(['ipykernel_launcher'], sys.argv[1], environment).pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    pids = [int(pid) for pid in holder.stdout.readline().split()]
    assert all(map(psutil.pid_exists, pids))
    holder.kill()
    holder.communicate()
    wait_until(lambda: not any(map(is_alive, pids)))


def test_closing_a_zygote_kills_its_kernels(tmp_path: Path) -> None:
    environment = kernel_environment(tmp_path)
    zygote = Zygote([sys.executable], environment)
    kernel = zygote.fork(["ipykernel_launcher"], str(tmp_path), environment)
    assert kernel.poll() is None
    assert is_alive(kernel.keeper)
    zygote.close()
    assert kernel.wait(10) is not None
    assert not any(map(is_alive, (kernel.pid, kernel.keeper)))
    assert not zygote.alive
    with pytest.raises(RuntimeError, match="is gone"):
        zygote.fork(["ipykernel_launcher"], str(tmp_path), environment)


@pytest.mark.parametrize(
    ("command", "parts"),
    [
        (["py", "-m", "ipykernel_launcher", "-f", "x"], (["py"], ["ipykernel_launcher", "-f", "x"])),
        (
            ["py", "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "x"],
            (["py", "-Xfrozen_modules=off"], ["ipykernel_launcher", "-f", "x"]),
        ),
        (["ir", "-f", "x"], None),
        (["conda", "run", "-n", "e", "py", "-m", "ipykernel_launcher", "-f", "x"], None),
        (["py", "-m", "bash_kernel", "-f", "x"], None),
        (["py", "-c", "x", "-m", "ipykernel_launcher"], None),
        ([], None),
    ],
)
def test_only_plain_ipython_kernels_are_forked(command: list[str], parts: Any) -> None:
    assert split(command) == parts


def test_death_of_a_zygote_that_has_not_read_a_request_is_seen(tmp_path: Path) -> None:
    zygote = Zygote([sys.executable], kernel_environment(tmp_path))
    os.kill(zygote.pid, signal.SIGSTOP)
    failed: Future[str] = Future()

    def fork() -> None:
        try:
            zygote.fork(["ipykernel_launcher"], str(tmp_path), dict(os.environ))
        except RuntimeError as error:
            failed.set_result(str(error))

    threading.Thread(target=fork, daemon=True).start()
    connection = zygote._connection
    wait_until(lambda: int.from_bytes(fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)), sys.byteorder))
    os.kill(zygote.pid, signal.SIGKILL)
    assert failed.result(timeout=20) == "the process that forks kernels is gone"
    assert not zygote.alive
