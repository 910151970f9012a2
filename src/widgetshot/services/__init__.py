"""Real services behind the notebooks: declared, started, awaited, ended.

- `recipe`, `recipes`: what a service is made of; `builtin` has one module for each that needs no declaration.
- `declaration`: what a project declares in pyproject.toml.
- `supervisor`: the process that runs one service by its `daemons`, and ends it when its parent dies.
- `messages`, `failures`: what a supervisor and those that use it say to each other, as data.
- `manager`: starts what selected notebooks need, once, and hands out where it listens.
- `control`: stops, kills and starts a notebook's own service, from within the notebook.
"""
