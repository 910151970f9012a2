"""Forks IPython kernels that have loaded their modules already. A program for the kernels' own interpreter.

    python zygote.py DESCRIPTOR

It imports nothing of widgetshot and has one thread. Requests come as lines of JSON over the socket DESCRIPTOR:
`{"argv", "cwd", "env"}` is answered with `{"pid", "keeper"}` of a new kernel, or with `{"failed"}`; whenever a kernel
has ended, `{"pid", "exit"}` says so. When the socket closes, because whoever holds its other end has closed it or died,
all kernels are killed, with all that they have started.

Each kernel is the child of a process of its own, its keeper, which becomes the parent of every orphan below it: what a
notebook starts stays below the keeper, also a daemon in a session of its own and without any environment. The keeper
lives as long as one of them does, and kills them when this process has died.
"""

import atexit
import contextlib
import copy
import ctypes
import gc
import importlib
import json
import os
import re
import select
import signal
import socket
import sys
import threading
import time
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path

# What every IPython kernel imports, sooner or later. `ipykernel.inprocess` must not be among it: it replaces things.
_KERNEL_MODULES = (
    "ipykernel.kernelapp",
    "ipykernel.zmqshell",
    "ipykernel.debugger",
    "IPython.core.completer",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "faulthandler",
    "runpy",
    "sqlite3",
    "tornado.platform.asyncio",
)
# What notebooks import, and kernels when they end; with what each does at its import, where it finds no kernel yet.
_HIDDEN_UNTIL_IMPORTED = {"ipywidgets": "_handle_ipython", "psutil": None}
_FINAL_ANSWER_GRACE_S = 1.0
_KILL_GRACE_S = 4.0  # for all that is below this process; whoever closes the socket waits a little longer
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PR_SET_CHILD_SUBREAPER = 36
_SETTING = re.compile(r"--[A-Z]\w*\.\w+")


class Revived(MetaPathFinder, Loader):
    """Gives a package that was imported ahead of time to the first `import` of it; until then it is not there.

    Args:
        connect: name of a function of the package that looks for a kernel when the package is imported.
    """

    def __init__(self, name, connect=None):
        self.name = name
        package = importlib.import_module(name)
        self.connect = connect and getattr(package, connect)
        self.specs = {
            key: module.__spec__ for key, module in sys.modules.items() if key == name or key.startswith(name + ".")
        }
        self.modules = {key: sys.modules.pop(key) for key in self.specs}

    def find_spec(self, name, path=None, target=None):  # noqa: ARG002 - importlib calls it so
        if name != self.name:
            return None
        sys.meta_path.remove(self)
        return ModuleSpec(name, self, origin=self.specs[name].origin, is_package=True)

    def create_module(self, spec):  # noqa: ARG002 - importlib calls it so
        for name, module in self.modules.items():
            if name != self.name:
                sys.modules.setdefault(name, module)
        return self.modules[self.name]

    def exec_module(self, module):
        # Whoever looks at the module must see what a first import would have left.
        module.__spec__ = self.specs[self.name]
        module.__loader__ = module.__spec__.loader
        if self.connect:
            self.connect()


def preload():
    """Import what kernels need.

    Returns:
        Finders of what must look as if it was not there yet.
    """
    for name in _KERNEL_MODULES:
        try:
            importlib.import_module(name)
        except ImportError:  # debugpy may be missing, and a kernel does without it
            continue
    warm_up()
    finders = []
    for name, connect in _HIDDEN_UNTIL_IMPORTED.items():
        try:
            finders.append(Revived(name, connect))
        except (ImportError, AttributeError):
            # Not installed, or of a version that goes about it in another way: whoever needs it imports it.
            for module in [module for module in sys.modules if module.partition(".")[0] == name]:
                del sys.modules[module]
    return finders


def warm_up():
    """Let IPython's reading of a cell compile its patterns, which every kernel would do at its first cell."""
    with contextlib.suppress(Exception):
        # Of a version that goes about it in another way, kernels do it themselves.
        transformer = importlib.import_module("IPython.core.inputtransformer2").TransformerManager()
        transformer.transform_cell("for name in (1.5, 'text', f'{name}'):\n    pass\n")


def compiled():
    """Return the code that runs before a notebook's first cell, see kernel_client.py."""
    names = ("prelude.py", "linked_files.py", "file_trace.py", "kernel_work.py")
    files = [Path(__file__).with_name(name) for name in names]
    return [compile(file.read_text(encoding="utf-8"), "<widgetshot>", "exec") for file in files]


def serve(connection):
    """Fork when asked to; returns in each kernel, with its request. The process itself ends here."""
    adopt_orphans()
    wake_out, wake_in = os.pipe()
    os.set_blocking(wake_in, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake_in, warn_on_full_buffer=False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    kernels = {}  # what a keeper says about its kernel -> the process ids of the kernel and of the keeper
    zygote = os.getpid()
    rest = b""
    while True:
        ready, _, _ = select.select([connection, wake_out, *kernels], [], [])
        if wake_out in ready:
            os.read(wake_out, 512)
            reap()
        for report in kernels.keys() & set(ready):
            said = os.read(report, 64)
            pid, keeper = kernels.pop(report)
            os.close(report)
            if not said:
                # The keeper was killed, so nobody can tell how its kernel ends. What it kept is ours now.
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(keeper, 0)
                end_all(spared={keeper for _, keeper in kernels.values()})
            send(connection, {"pid": pid, "exit": int(said or -signal.SIGKILL)})
        if connection not in ready:
            continue
        try:
            received = connection.recv(1 << 16)
        except ConnectionError:  # whoever held the other end was killed before it had read everything
            received = b""
        if not received:
            end_all()
            os._exit(0)
        *lines, rest = (rest + received).split(b"\n")
        for line in lines:
            report, theirs = os.pipe()
            try:
                keeper = os.fork()
            except OSError as error:  # too many processes, no memory
                os.close(report)
                os.close(theirs)
                send(connection, {"failed": str(error)})
                continue
            if not keeper:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for descriptor in (wake_out, wake_in, report, *kernels):
                    os.close(descriptor)
                connection.close()
                keep(theirs, zygote)
                return json.loads(line)
            os.close(theirs)
            said = os.read(report, 64)
            if not said.isdigit():
                os.close(report)
                send(connection, {"failed": said.decode(errors="replace")})
                continue
            kernels[report] = (int(said), keeper)
            send(connection, {"pid": int(said), "keeper": keeper})


def keep(report, zygote):
    """Fork a kernel and live as long as anything of it; returns in the kernel.

    Args:
        report: descriptor of a pipe, which gets the kernel's process id, or why there is none, and later its exit code.
        zygote: the process id of this process's parent, whose end is the end of everything.
    """

    def end(*_):
        end_all()
        os._exit(1)

    adopt_orphans()
    signal.signal(signal.SIGTERM, end)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != zygote:
        os._exit(1)
    ready, go = os.pipe()
    try:
        kernel = os.fork()
    except OSError as error:
        os.write(report, str(error)[:60].encode())
        os._exit(1)
    if not kernel:
        os.close(go)
        os.read(ready, 1)  # a kernel that ended before it was named would be taken for its name
        os.close(ready)
        os.close(report)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        return
    os.close(ready)
    os.write(report, str(kernel).encode())
    os.close(go)
    while True:
        try:
            pid, status = os.waitpid(-1, 0)
        except ChildProcessError:
            os._exit(0)
        if pid == kernel:
            # The zygote may be gone; then everything here is about to be killed.
            with contextlib.suppress(OSError):
                os.write(report, str(os.waitstatus_to_exitcode(status)).encode())


def adopt_orphans():
    """Make this process the parent of every process below it that loses its own."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap():
    """Take note of the end of children, as their parent has to."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def send_signals(pids, number):
    """Send a signal to processes, as far as they are there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def end_all(spared=frozenset()):
    """Kill everything below this process, and what that starts meanwhile.

    All of it is stopped first: while some of it is killed, the rest would start more.

    Args:
        spared: children whose own children live on, too.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    deadline = time.monotonic() + _KILL_GRACE_S
    while below := descendants(spared):
        stopped = set()
        while (running := set(below) - stopped) and time.monotonic() < deadline:
            send_signals(running, signal.SIGSTOP)
            stopped |= running
            below = descendants(spared)
        send_signals(below, signal.SIGKILL)
        # One that is not our child yet ends unheard, so that it is looked for again.
        signal.sigtimedwait({signal.SIGCHLD}, 0.05)
        reap()
        if time.monotonic() > deadline:
            break
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def descendants(spared):
    """Return the process ids of all that runs below this process, but for some children and what is below them."""
    children = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            # The name of the program, in brackets, may hold anything.
            state, parent = (folder / "stat").read_bytes().rpartition(b")")[2].split()[:2]
            if state != b"Z":
                children.setdefault(int(parent), []).append(int(folder.name))
    found = [pid for pid in children.get(os.getpid(), []) if pid not in spared]
    for pid in found:
        found += children.get(pid, [])
    return found


def send(connection, message):
    """Send a line of JSON."""
    # Whoever listened may be gone; the next read says so.
    with contextlib.suppress(OSError):
        connection.sendall(json.dumps(message).encode() + b"\n")


def become_kernel(request, added):
    """Make this process what `python -m ipykernel_launcher` would be in its place.

    Args:
        added: variables that imports have set.
    """
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.environ.clear()
    os.environ.update(added | request["env"])
    os.environ["JPY_PARENT_PID"] = str(os.getppid())
    time.tzset()
    os.chdir(request["cwd"])
    # The kernel ends by itself when this parent has died. ipykernel looked for the variable when it was imported.
    sys.argv = [*request["argv"], f"--IPKernelApp.parent_handle={os.getppid()}"]
    sys.orig_argv = [sys.executable, *sys.argv]


def set_arguments(app, argv):
    """Let a kernel's program know its arguments, without the grammar of all that it could be given.

    Making that grammar takes some eight milliseconds, for arguments that are nearly always the same few.
    """
    known = importlib.import_module("traitlets.config.loader")
    config = known.Config()
    rest = iter(argv)
    for argument in rest:
        name, is_set, value = argument.partition("=")
        if argument == "-f":
            name, value = "--IPKernelApp.connection_file", next(rest, "")
        elif not is_set or not _SETTING.fullmatch(name):
            return  # it finds out by itself
        owner, trait = name[2:].split(".")
        config[owner][trait] = known.DeferredConfigString(value)

    def parse_command_line(_=None):
        del app.parse_command_line
        app.argv, app.cli_config, app.extra_args = [*argv], copy.deepcopy(config), []
        app.update_config(app.cli_config)

    app.parse_command_line = parse_command_line


def run_before_first_cell(shell, program):
    """Run something when the first cell is about to run.

    A kernel that is asked before what it is, which not every one is, draws random numbers for that (for a tip in its
    banner).
    """

    def run():
        shell.events.unregister("pre_execute", run)
        for code in program:
            exec(code, {})

    shell.events.register("pre_execute", run)


def finish_answering(app):
    """Let a kernel that was asked to end finish answering.

    What sends its answers is closed next; whoever still had some to send would wait for ten seconds then.
    """
    if app.kernel._shutdown_message is not None and app.control_thread is not None:
        app.control_thread.join(_FINAL_ANSWER_GRACE_S)


if __name__ == "__main__":
    del sys.path[0]  # this file's folder
    descriptor = int(sys.argv[1])
    gc.disable()
    before_cells = compiled()
    before = set(os.environ)
    finders = preload()
    added = {name: os.environ[name] for name in set(os.environ) - before}
    # What is there now is never collected: kernels share these pages, and a collection would copy them.
    gc.collect()
    gc.freeze()
    gc.enable()
    become_kernel(serve(socket.socket(fileno=descriptor)), added)
    sys.meta_path[:0] = finders
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    set_arguments(app, sys.argv[1:])
    app.initialize()
    run_before_first_cell(app.shell, before_cells)
    app.start()
    finish_answering(app)
    # What a program does at its end is done. Taking every module apart besides would copy all that is shared.
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
