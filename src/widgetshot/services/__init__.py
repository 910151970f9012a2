"""Real services behind the notebooks: declared, started, awaited, ended.

- `recipe`: what a service is made of; pure.
- `builtin`: the services that need no declaration, one module each.
- `supervisor`: the process that runs one service, and ends it when its parent dies.
- `manager`: starts what selected notebooks need, once, and hands out where it listens.
"""
