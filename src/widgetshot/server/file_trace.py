# Runs in the kernel before a notebook's first cell, after the prelude, and writes down what the notebook reads: lines
# of JSON in a file beside its private folders, each written before the file it names is opened, so that they are
# whole also of a kernel that is killed. What packages read of themselves is left out, since they are known as they
# are installed. What can't be followed is named. See docs/how-to/changed.md.
#
# It runs in a namespace of its own: no name of it is seen by the notebook.
import json
import os
import sys

# Taken now: a notebook may replace them.
_join, _getcwd, _normpath, _isabs, _exists = os.path.join, os.getcwd, os.path.normpath, os.path.isabs, os.path.exists
_basename, _fspath, _fsdecode, _getpid = os.path.basename, os.fspath, os.fsdecode, os.getpid
_open, _write, _close, _unlink, _dumps, _frame = os.open, os.write, os.close, os.unlink, json.dumps, sys._getframe
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT
_WRITES_ANEW = os.O_CREAT | os.O_TRUNC

# Of these, what is compiled opens no file by name: they do it in Python, where it is seen. (nm -D on their wheels.)
_OPEN_IN_PYTHON = {
    "numpy", "pandas", "matplotlib", "mpl_toolkits", "contourpy", "kiwisolver", "PIL", "markupsafe", "yaml",
    "_yaml", "tornado", "msgpack", "rpds", "psygnal", "fontTools", "charset_normalizer", "time_machine",
    "_time_machine", "zmq", "psutil", "debugpy", "_pydevd_bundle", "_pydevd_frame_eval",
    "_pydevd_sys_monitoring", "_pydevd_bundle_ext", "pydevd",
}  # fmt: skip
_OPEN_IN_C = {"PIL._imagingft", "_gdbm", "_dbm", "_posixshmem"}
# How processes are started without an event that says so, and what talks to others through zmq.
_TALKERS = {
    "multiprocessing.popen_spawn_posix", "multiprocessing.popen_forkserver", "multiprocessing.popen_fork",
    "multiprocessing.popen_spawn_win32", "multiprocessing.shared_memory",
    "joblib.externals.loky.backend.popen_loky_posix", "loky.backend.popen_loky_posix", "ipyparallel",
}  # fmt: skip
_LOOPBACK = {None, "", "localhost", "127.0.0.1", "::1", b"localhost"}
_DEVICES = {"/dev/null", "/dev/zero", "/dev/urandom", "/dev/random", "/dev/tty"}


class Places:
    """The beginnings of paths that belong to the run, to this notebook, to what is installed.

    Attributes:
        works: the notebook's working folder.
        private: the notebook's own folders.
        shared: the run's; what one notebook leaves there, another could find.
        caches: those of the shared ones that all notebooks may fill.
        installed: packages and the standard library.
        compiled_library: the compiled part of the latter.
    """

    def __init__(self):
        own = os.path.dirname(os.environ["HOME"])
        run = os.path.dirname(own)
        self.log = _join(own, "reads")
        self.packages = {path for path in sys.path if _basename(path) in ("site-packages", "dist-packages")}
        library = {os.path.dirname(os.__file__)}
        library |= {path for path in sys.path if _basename(path) == "lib-dynload" or path.endswith(".zip")}
        self.works = tuple({_join(folder, "work") for folder in (own, os.path.realpath(own))})
        self.private = _beginnings([own])
        self.shared = _beginnings([run])
        self.caches = tuple(folder + "matplotlib" for folder in self.shared)
        self.installed = _beginnings(self.packages | library)
        self.compiled_library = tuple(
            {folder + os.sep + "lib-dynload" for folder in library}
            | {path for path in sys.path if _basename(path) == "lib-dynload"}
        )

    def place(self, path):
        """Return the absolute path; None where it is a descriptor or belongs to what is installed or private."""
        if isinstance(path, int):
            return None
        path = _fsdecode(_fspath(path))
        if not _isabs(path):
            path = _join(_getcwd(), path)
        path = _normpath(path)
        if (path + os.sep).startswith(self.installed):
            return None
        if path.startswith(self.private) and not path.startswith(self.works):
            return None
        return path


def _beginnings(folders):
    return tuple({folder + os.sep for path in folders for folder in (path, os.path.realpath(path))})


class Trace:
    """Notes what is read, from the events that Python's audit hooks get."""

    def __init__(self, places):
        self.places = places
        self.seen = set()
        self.watchers = {
            "open": self.opened, "os.listdir": self.listed, "os.scandir": self.listed, "import": self.imported,
            "exec": self.executed, "subprocess.Popen": self.started, "os.system": self.forked,
            "os.exec": self.forked, "os.fork": self.forked, "os.forkpty": self.forked, "os.posix_spawn": self.forked,
            "os.spawn": self.forked, "os.startfile": self.forked, "pty.spawn": self.forked,
            "socket.connect": self.connected, "socket.sendto": self.connected, "socket.sendmsg": self.connected,
            "socket.getaddrinfo": self.resolved, "socket.gethostbyname": self.resolved,
            "ctypes.dlopen": self.library_opened, "sqlite3.connect": self.database_opened,
        }  # fmt: skip

    def note(self, *line):
        """Write a line unless it is there."""
        if line in self.seen:
            return
        self.seen.add(line)
        descriptor = _open(self.places.log, _APPEND, 0o600)
        try:
            _write(descriptor, (_dumps(line) + "\n").encode())
        finally:
            _close(descriptor)

    def is_device(self, path):
        """Tell whether it is no file whose state could be looked at again."""
        if not path.startswith(("/proc/", "/sys/", "/dev/")):
            return False
        if path in _DEVICES or path.startswith(("/proc/self/", f"/proc/{_getpid()}/", "/dev/fd/")):
            return True
        self.note("unseen", "read " + path)
        return True

    def opened(self, path, mode, flags):
        places = self.places
        # Most of what is opened are modules of packages: these must cost next to nothing.
        if type(path) is str and path.startswith(places.installed) and ".." not in path:
            return
        path = places.place(path)
        if path is None or ("file", path) in self.seen or self.is_device(path):
            return
        if path.startswith(places.shared) and not path.startswith(places.private):
            if path.startswith(places.caches) or ("own", path) in self.seen:
                return
            fresh = mode[:1] in "wx" if isinstance(mode, str) else bool(flags & _WRITES_ANEW)
            self.seen.add(("own", path))
            if not fresh and _exists(path):
                self.note("unseen", "read " + path + ", which another notebook may have left")
            return
        self.note("file", path)

    def listed(self, path=None):
        path = self.places.place("." if path is None else path)
        if path is None or self.is_device(path + "/") or path.startswith((*self.places.works, *self.places.shared)):
            return
        by_import = _frame(2).f_code.co_name == "_fill_cache"
        self.note("modules" if by_import else "folder", path)

    def loaded_natively(self, name, file):
        """Note a compiled module."""
        file = _fsdecode(file)
        in_python = name.partition(".")[0] in _OPEN_IN_PYTHON or name.endswith("__mypyc")
        if name in _OPEN_IN_C or not (in_python or file.startswith(self.places.compiled_library)):
            self.note("unseen", "loaded native code, " + name + ", that may read what it likes")
        place = self.places.place(file)
        if place is not None:
            self.note("file", place)

    def imported(self, name, file, *_):
        if file is not None:
            self.loaded_natively(name, file)
        elif name in _TALKERS:
            self.note("unseen", "imported " + name + ", which talks to other processes")

    def executed(self, code):
        # A cell's or a project's own; installed packages that do it are among the talkers.
        if "zmq" in getattr(code, "co_names", ()) and not code.co_filename.startswith(self.places.installed):
            self.note("unseen", "uses zmq, which talks to other processes")

    def started(self, program, *_):
        if isinstance(program, (list, tuple)):
            program = program[0] if program else ""
        program = _fsdecode(_fspath(program)) if program else "?"
        # How matplotlib finds fonts, once in a run; fonts are looked at anyway.
        if _basename(program) != "fc-list":
            self.note("unseen", "started a process, " + _basename(program))

    def forked(self, *_):
        self.note("unseen", "started a process")

    def connected(self, _, address):
        if address is not None:
            self.note("unseen", f"talked to {address[0] if isinstance(address, tuple) else _fsdecode(address)}")

    def resolved(self, host, *_):
        if host not in _LOOPBACK:
            self.note("unseen", f"asked for the address of {host}")

    def library_opened(self, name, *_):
        if name is not None:
            self.note("unseen", f"loaded the library {name} through ctypes")

    def database_opened(self, name, *_):
        if not isinstance(name, int) and _fsdecode(_fspath(name)) in (":memory:", ""):
            return
        name = _fsdecode(_fspath(name))
        if name.startswith("file:"):
            self.note("unseen", "opened the database " + name)
            return
        for end in ("", "-wal", "-journal"):
            self.opened(name + end, "r", 0)


def note_what_was_read_before(trace):
    """Note what was loaded by the kernel itself, by sitecustomize, by IPython's settings for the whole machine."""
    places = trace.places
    trace.note("python", sys.executable, sys.version, tuple(sorted(places.packages)), os.__file__)
    loaded = dict(sys.modules)
    for finder in sys.meta_path:
        # A kernel that was forked holds modules ready that are not to be seen before they are imported.
        held = getattr(finder, "modules", None)
        if isinstance(held, dict):
            loaded.update(held)
    for name, module in loaded.items():
        file = getattr(module, "__file__", None)
        if name in _TALKERS:
            trace.imported(name, None)
        if isinstance(file, str) and not (
            file.endswith(".py") and file.startswith(places.installed) and ".." not in file
        ):
            if file.endswith((".so", ".pyd")):
                trace.loaded_natively(name, file)
            elif places.place(file) is not None:
                trace.note("file", places.place(file))
    # Python has looked into most of these already, and remembers what it found.
    for path in map(places.place, sys.path):
        if path is not None and not path.startswith(places.works):
            trace.note("modules", path)
    for folder in ("/etc/ipython", _join(sys.prefix, "etc", "ipython")):
        trace.note("folder", folder)
        for file in os.listdir(folder) if _exists(folder) else ():
            trace.note("file", _join(folder, file))
    if os.environ.get("PYTHONSTARTUP"):
        trace.note("file", os.environ["PYTHONSTARTUP"])


def hook_of(trace):
    """Return an audit hook that is never felt. What it can't note down is not known."""
    watchers, note = trace.watchers, trace.note

    def hook(event, arguments):
        watcher = watchers.get(event)
        if watcher is not None:
            try:
                watcher(*arguments)
            except Exception as error:
                try:
                    note("unseen", "could not be followed: " + type(error).__name__)
                except Exception:
                    _unlink(trace.places.log)

    return hook


if "WIDGETSHOT_FILE_TRACE" in os.environ and hasattr(sys, "addaudithook"):
    _trace = Trace(Places())
    note_what_was_read_before(_trace)
    sys.addaudithook(hook_of(_trace))
