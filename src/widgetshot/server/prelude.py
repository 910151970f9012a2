# Runs in the kernel before a notebook's first cell, so that what a program draws "at random" is the same in
# every run, and no broadcast is lost. numpy is seeded when, and only when, the notebook imports it. Leaves no name
# behind.
def _widgetshot_prelude():
    import os
    import random
    import sys
    from importlib.abc import Loader, MetaPathFinder
    from importlib.machinery import PathFinder

    random.seed(0)

    class SeedingLoader(Loader):
        def __init__(self, loader):
            self.loader = loader

        def create_module(self, spec):
            return self.loader.create_module(spec)

        def exec_module(self, module):
            # Later imports and pickles must see the real loader.
            module.__loader__ = module.__spec__.loader = self.loader
            self.loader.exec_module(module)
            module.random.seed(0)

    class NumpyFinder(MetaPathFinder):
        def find_spec(self, name, path=None, target=None):
            if name != "numpy":
                return None
            sys.meta_path.remove(self)
            spec = PathFinder.find_spec(name, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = SeedingLoader(spec.loader)
            return spec

    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    else:
        sys.meta_path.insert(0, NumpyFinder())

    # Warnings and some tracebacks show the file of a cell, which is never written: its folder has the number of the
    # kernel's process, so no two runs would look the same. Libraries know such a folder by the form of its name.
    compiler = sys.modules.get("ipykernel.compiler")
    if compiler is not None:
        folder = os.path.join("C:\\Temp" if os.name == "nt" else "/tmp", "ipykernel_1")
        compiler.get_tmp_directory = lambda: folder

    # Where more than 1,000 broadcasts wait for a connection, as after 500 widgets in one cell, ZeroMQ drops the rest in
    # silence, here as at the other end (kernel_client.py). What is said counts for the connections that are there; the
    # page connects before it executes.
    def keep_broadcasts():
        socket.setsockopt(zmq.SNDHWM, most)

    zmq, most = sys.modules.get("zmq"), 50_000
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    thread = getattr(getattr(shell, "kernel", None), "iopub_thread", None)
    socket = getattr(thread, "socket", None)
    if zmq is not None and socket is not None:
        shell.events.register("pre_execute", lambda: thread.schedule(keep_broadcasts))
        thread.schedule(keep_broadcasts)


_widgetshot_prelude()
del _widgetshot_prelude
