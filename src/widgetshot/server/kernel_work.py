# Runs in the kernel before a notebook's first cell. Answers, on the control channel, which work the notebook itself has
# set going and has not ended: threads, timers and asyncio tasks that run code of its cells, or of modules that are not
# installed, and processes that could print under them. Idle workers of libraries are none. Leaves no name behind.
def _widgetshot_work():
    import asyncio
    import os
    import stat
    import subprocess
    import sys
    import sysconfig
    import threading
    from pathlib import Path
    from time import monotonic

    try:
        from IPython import get_ipython

        kernel = get_ipython().kernel
        handlers = kernel.control_handlers
    except Exception:
        return  # a kernel of another kind, which can't be asked

    places = [*sysconfig.get_paths().values()]
    places += [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    installed = tuple({form(path) + os.sep for path in places for form in (str, os.path.realpath)})
    before = {thread.ident for thread in threading.enumerate()}
    known = {}  # file -> whether it is the notebook's own
    deepest = 200
    popen = subprocess.Popen  # before the notebook can replace it
    patience = 5.0  # seconds that a process is waited for, as are timers of pages
    seen = {}  # process id -> when it was seen first

    def is_own(file):
        if file not in known:
            foreign = file.startswith(("<frozen", "<widgetshot>", *installed)) or file == __file
            known[file] = not foreign
        return known[file]

    def code_of(function):
        """Return the code that a callable runs, behind whatever wraps it."""
        for _ in range(9):
            for name in ("__func__", "__wrapped__", "func"):
                if not hasattr(function, "__code__") and hasattr(function, name):
                    function = getattr(function, name)
                    break
            else:
                break
        call = type(function).__dict__.get("__call__")
        return getattr(function, "__code__", None) or getattr(call, "__code__", None)

    def told(kind, name, code, line=None):
        function = getattr(code, "co_qualname", code.co_name)
        line = line or code.co_firstlineno
        return {"kind": kind, "name": str(name), "where": f"{function}, line {line}", "due": 0.0}

    def in_frames(frame):
        """Return the innermost frame of the notebook's own code."""
        for _ in range(deepest):
            if frame is None:
                return None
            if is_own(frame.f_code.co_filename):
                return frame
            frame = frame.f_back
        return None

    def threads():
        frames = sys._current_frames()
        mine = (threading.get_ident(), threading.main_thread().ident)
        for thread in threading.enumerate():
            if thread.ident in before or thread.ident in mine:
                continue
            kind = "timer" if isinstance(thread, threading.Timer) else "thread"
            frame = in_frames(frames.get(thread.ident))
            if frame is not None:
                yield told(kind, thread.name, frame.f_code, frame.f_lineno)
                continue
            target = getattr(thread, "function", None) or getattr(thread, "_target", None) or type(thread).run
            code = code_of(target)
            if code is not None and is_own(code.co_filename):
                yield told(kind, thread.name, code)

    def awaited(coroutine):
        """Yield the code and frame of each coroutine that waits for the next."""
        for _ in range(deepest):
            if coroutine is None:
                return
            for kind in ("cr", "gi", "ag"):
                code = getattr(coroutine, kind + "_code", None)
                if code is not None:
                    yield code, getattr(coroutine, kind + "_frame", None)
                    break
            coroutine = (
                getattr(coroutine, "cr_await", None)
                or getattr(coroutine, "gi_yieldfrom", None)
                or getattr(coroutine, "ag_await", None)
            )

    def tasks():
        loop = getattr(getattr(kernel, "io_loop", None), "asyncio_loop", None)
        if loop is None:
            return
        running = asyncio.current_task(loop)
        for task in asyncio.all_tasks(loop):
            if task is running:
                continue
            for code, frame in awaited(task.get_coro()):
                if is_own(code.co_filename):
                    yield told("task", task.get_name(), code, frame and frame.f_lineno)
                    break
        for handle in list(getattr(loop, "_scheduled", ())):
            code = None if handle.cancelled() else code_of(handle._callback)
            if code is not None and is_own(code.co_filename):
                yield dict(told("callback", code.co_name, code), due=handle.when() - loop.time())

    def outputs(process):
        """Return what a process writes to as its standard output and error, as far as that can be known."""
        for descriptor in (1, 2):
            try:
                yield Path(f"/proc/{process}/fd/{descriptor}").readlink()
            except OSError:
                continue  # it has ended, or this is no Linux

    def processes():
        """Yield the processes that the notebook holds, and that could print under its cells: its output is theirs."""
        ours = set(outputs("self"))
        held = [*kernel.shell.user_ns.items(), *(("", value) for value in subprocess._active or ())]
        for name, value in held:
            # By its type: objects that stand for others would be made to look for those. And whether a process has
            # ended is not asked of its object: then the notebook would know it, too.
            if issubclass(type(value), popen) and value.returncode is None and ours & set(outputs(value.pid)):
                is_line = isinstance(value.args, (str, bytes, os.PathLike))
                # No more of its command line, which may hold secrets.
                first = value.args if is_line else next(iter(value.args), "?")
                program = Path(os.fsdecode(first).partition(" ")[0]).name
                # A server goes on for ever, and mostly says nothing.
                stays = monotonic() - seen.setdefault(value.pid, monotonic()) > patience
                yield {"kind": "process", "name": name or program, "where": program, "due": 0.0, "stays": stays}
        for descriptor in (1, 2):
            if unread(descriptor):
                yield {"kind": "work", "name": "", "where": "", "due": 0.0}

    def unread(descriptor):
        """Tell whether something that a process has printed lies in the pipe that is the kernel's output."""
        try:
            import fcntl
            import termios

            if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                return False
            return any(fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)))
        except (ImportError, OSError):
            return False

    def answer(stream, ident, parent):
        work = []
        # What changes while it is looked through is asked again.
        for find in (threads, tasks, processes):
            try:
                work.extend(find())
            except RuntimeError:
                work.append({"kind": "work", "name": "", "where": "", "due": 0.0})
            except Exception:
                continue  # an odd object of the notebook's hides what is beside it, but not the rest
        kernel.session.send(stream, "widgetshot_work_reply", {"status": "ok", "work": work}, parent, ident)

    __file = answer.__code__.co_filename
    handlers["widgetshot_work_request"] = answer


_widgetshot_work()
del _widgetshot_work
