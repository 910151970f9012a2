# Runs in the kernel before a notebook's first cell, after the prelude, and writes down what the notebook reads: lines
# of JSON in a file beside its private folders, each written before the file it names is opened, so that they are
# whole also of a kernel that is killed. What packages read of themselves is left out, since they are known as they
# are installed. What can't be followed is named. See docs/how-to/changed.md.
def _widgetshot_file_trace():
    import json
    import os
    import sys

    if "WIDGETSHOT_FILE_TRACE" not in os.environ or not hasattr(sys, "addaudithook"):
        return
    # Taken now: a notebook may replace them.
    join, getcwd, normpath, isabs, exists = os.path.join, os.getcwd, os.path.normpath, os.path.isabs, os.path.exists
    fspath, fsdecode, getpid = os.fspath, os.fsdecode, os.getpid
    open_, write, close, dumps, frame = os.open, os.write, os.close, json.dumps, sys._getframe
    append = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    writes = os.O_CREAT | os.O_TRUNC

    own = os.path.dirname(os.environ["HOME"])
    log = join(own, "reads")
    works = tuple({join(folder, "work") for folder in (own, os.path.realpath(own))})
    # Shared by the run's notebooks; what one leaves there, another could find.
    shared = tuple({folder + os.sep for folder in (os.path.dirname(own), os.path.realpath(os.path.dirname(own)))})
    private = tuple({folder + os.sep for folder in (own, os.path.realpath(own))})
    packages = {path for path in sys.path if os.path.basename(path) in ("site-packages", "dist-packages")}
    library = {os.path.dirname(os.__file__)}
    library |= {path for path in sys.path if os.path.basename(path) == "lib-dynload" or path.endswith(".zip")}
    installed = tuple({folder + os.sep for path in packages | library for folder in (path, os.path.realpath(path))})
    caches = tuple(folder + "matplotlib" for folder in shared)
    # Of these, what is compiled opens no file by name: they do it in Python, where it is seen. (nm -D on their wheels.)
    plain = {
        "numpy", "pandas", "matplotlib", "mpl_toolkits", "contourpy", "kiwisolver", "PIL", "markupsafe", "yaml",
        "_yaml", "tornado", "msgpack", "rpds", "psygnal", "fontTools", "charset_normalizer", "time_machine",
        "_time_machine", "zmq", "psutil", "debugpy", "_pydevd_bundle", "_pydevd_frame_eval",
        "_pydevd_sys_monitoring", "_pydevd_bundle_ext", "pydevd",
    }  # fmt: skip
    blind = {"PIL._imagingft", "_gdbm", "_dbm", "_posixshmem"}
    # How processes are started without an event that says so, and what talks to others through zmq.
    talkers = {
        "multiprocessing.popen_spawn_posix", "multiprocessing.popen_forkserver", "multiprocessing.popen_fork",
        "multiprocessing.popen_spawn_win32", "multiprocessing.shared_memory",
        "joblib.externals.loky.backend.popen_loky_posix", "loky.backend.popen_loky_posix", "ipyparallel",
    }  # fmt: skip
    loopback = {None, "", "localhost", "127.0.0.1", "::1", b"localhost"}
    devices = {"/dev/null", "/dev/zero", "/dev/urandom", "/dev/random", "/dev/tty"}
    seen = set()

    def note(*line):
        if line in seen:
            return
        seen.add(line)
        descriptor = open_(log, append, 0o600)
        try:
            write(descriptor, (dumps(line) + "\n").encode())
        finally:
            close(descriptor)

    def place(path):
        """Absolute, or None where it is a descriptor or belongs to what is installed or private."""
        if isinstance(path, int):
            return None
        path = fsdecode(fspath(path))
        if not isabs(path):
            path = join(getcwd(), path)
        path = normpath(path)
        if (path + os.sep).startswith(installed):
            return None
        if path.startswith(private) and not path.startswith(works):
            return None
        return path

    def outside(path):
        """Whether it is no file whose state could be looked at again."""
        if not path.startswith(("/proc/", "/sys/", "/dev/")):
            return False
        if path in devices or path.startswith(("/proc/self/", f"/proc/{getpid()}/", "/dev/fd/")):
            return True
        note("unseen", "read " + path)
        return True

    def opened(path, mode, flags):
        # Most of what is opened are modules of packages: these must cost next to nothing.
        if type(path) is str and path.startswith(installed) and ".." not in path:
            return
        path = place(path)
        if path is None or ("file", path) in seen or outside(path):
            return
        if path.startswith(shared) and not path.startswith(private):
            if path.startswith(caches) or ("own", path) in seen:
                return
            fresh = mode[:1] in "wx" if isinstance(mode, str) else bool(flags & writes)
            seen.add(("own", path))
            if not fresh and exists(path):
                note("unseen", "read " + path + ", which another notebook may have left")
            return
        note("file", path)

    def listed(path=None):
        path = place("." if path is None else path)
        if path is None or outside(path + "/") or path.startswith(works) or path.startswith(shared):
            return
        by_import = frame(2).f_code.co_name == "_fill_cache"
        note("modules" if by_import else "folder", path)

    def native(name, file):
        file = fsdecode(file)
        top = name.partition(".")[0]
        if name in blind or (top not in plain and not name.endswith("__mypyc") and not file.startswith(library_only)):
            note("unseen", "loaded native code, " + name + ", that may read what it likes")
        place_ = place(file)
        if place_ is not None:
            note("file", place_)

    library_only = tuple(
        {folder + os.sep + "lib-dynload" for folder in library}
        | {path for path in sys.path if os.path.basename(path) == "lib-dynload"}
    )

    def imported(name, file, *_):
        if file is not None:
            native(name, file)
        elif name in talkers:
            note("unseen", "imported " + name + ", which talks to other processes")

    def executed(code):
        # A cell's or a project's own; installed packages that do it are among the talkers.
        if "zmq" in getattr(code, "co_names", ()) and not code.co_filename.startswith(installed):
            note("unseen", "uses zmq, which talks to other processes")

    def started(program, *_):
        if isinstance(program, (list, tuple)):
            program = program[0] if program else ""
        program = fsdecode(fspath(program)) if program else "?"
        # How matplotlib finds fonts, once in a run; fonts are looked at anyway.
        if os.path.basename(program) != "fc-list":
            note("unseen", "started a process, " + os.path.basename(program))

    def connected(_, address):
        if address is not None:
            note("unseen", f"talked to {address[0] if isinstance(address, tuple) else fsdecode(address)}")

    def resolved(host, *_):
        if host not in loopback:
            note("unseen", f"asked for the address of {host}")

    def library_opened(name, *_):
        if name is not None:
            note("unseen", f"loaded the library {name} through ctypes")

    def database(name, *_):
        if not isinstance(name, int) and fsdecode(fspath(name)) in (":memory:", ""):
            return
        name = fsdecode(fspath(name))
        if name.startswith("file:"):
            note("unseen", "opened the database " + name)
            return
        for end in ("", "-wal", "-journal"):
            opened(name + end, "r", 0)

    def process(*_):
        note("unseen", "started a process")

    watched = {
        "open": opened, "os.listdir": listed, "os.scandir": listed, "import": imported, "exec": executed,
        "subprocess.Popen": started, "os.system": process, "os.exec": process, "os.fork": process,
        "os.forkpty": process, "os.posix_spawn": process, "os.spawn": process, "os.startfile": process,
        "pty.spawn": process, "socket.connect": connected, "socket.sendto": connected, "socket.sendmsg": connected,
        "socket.getaddrinfo": resolved, "socket.gethostbyname": resolved, "ctypes.dlopen": library_opened,
        "sqlite3.connect": database,
    }  # fmt: skip

    def hook(event, arguments):
        watcher = watched.get(event)
        if watcher is not None:
            try:
                watcher(*arguments)
            except Exception as error:
                # It must never be felt. What it can't note down is not known.
                try:
                    note("unseen", "could not be followed: " + type(error).__name__)
                except Exception:
                    os.unlink(log)

    note("python", sys.executable, sys.version, tuple(sorted(packages)), os.__file__)
    # What was loaded before: by the kernel itself, by sitecustomize, by IPython's settings for the whole machine.
    loaded = dict(sys.modules)
    for finder in sys.meta_path:
        # A kernel that was forked holds modules ready that are not to be seen before they are imported.
        held = getattr(finder, "modules", None)
        if isinstance(held, dict):
            loaded.update(held)
    for name, module in loaded.items():
        file = getattr(module, "__file__", None)
        if name in talkers:
            imported(name, None)
        if isinstance(file, str) and not (file.endswith(".py") and file.startswith(installed) and ".." not in file):
            if file.endswith((".so", ".pyd")):
                native(name, file)
            elif place(file) is not None:
                note("file", place(file))
    # Python has looked into most of these already, and remembers what it found.
    for path in sys.path:
        path = place(path)
        if path is not None and not path.startswith(works):
            note("modules", path)
    for folder in ("/etc/ipython", join(sys.prefix, "etc", "ipython")):
        note("folder", folder)
        for file in os.listdir(folder) if exists(folder) else ():
            note("file", join(folder, file))
    if os.environ.get("PYTHONSTARTUP"):
        note("file", os.environ["PYTHONSTARTUP"])
    sys.addaudithook(hook)


_widgetshot_file_trace()
