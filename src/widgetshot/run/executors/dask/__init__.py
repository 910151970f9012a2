"""Sessions on the workers of a Dask cluster.

Dask's scheduler decides which worker executes which session. Each worker has one server and one browser for the whole
run (`worker`), whose results the client takes from it as they are done (`link`).
"""
