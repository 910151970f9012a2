"""An S3 object store: OpenStack Swift with its S3 API; the proxy and the three storage servers share one process."""

import logging
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from widgetshot.services.endpoint import Endpoint
from widgetshot.services.programs import Requirement
from widgetshot.services.recipe import Daemon, Plan, Ready
from widgetshot.services.workspace import HOST, Workspace

_INSTALL = "pip install 'swift>=2.36' boto3"
_REGION = "us-east-1"
_KEY = "widgetshot:tester"
_STORES = ("account", "container", "object")
# Swift's own are for fast machines: a listing that is not written within a second is left to a daemon that is not here.
_PATIENCE = """\
conn_timeout = 20
node_timeout = 30
container_update_timeout = 30
"""
# s3api asks for this order, and for slo for uploads in parts.
_PIPELINE = "catch_errors healthcheck listing_formats s3api tempauth bulk slo dlo versioned_writes symlink"
_DEFAULT = """\
[DEFAULT]
bind_ip = {host}
bind_port = {port}
log_custom_handlers = {module}.log_to_stderr
log_level = WARNING
swift_dir = {folder}
"""
_PROXY = (
    _DEFAULT
    + """\
[pipeline:main]
pipeline = {pipeline} proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true
{patience}[filter:catch_errors]
use = egg:swift#catch_errors
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
location = {region}
[filter:tempauth]
use = egg:swift#tempauth
user_widgetshot_tester = {secret} .admin
[filter:bulk]
use = egg:swift#bulk
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_object_versioning = true
[filter:symlink]
use = egg:swift#symlink
"""
)
_STORE = (
    _DEFAULT
    + """\
devices = {folder}/devices
mount_check = false
[pipeline:main]
pipeline = {store}-server
[app:{store}-server]
use = egg:swift#{store}
{patience}"""
)


@dataclass(frozen=True)
class S3:
    """The recipe of an S3 object store. Satisfies `Recipe`."""

    name: str = "s3"
    ports: tuple[str, ...] = ("main", *_STORES)
    requirements: tuple[Requirement, ...] = tuple(
        Requirement(module, _INSTALL, module=True) for module in ("swift", "boto3")
    )
    timeout: float = 60

    def plan(self, workspace: Workspace) -> Plan:
        """Write the configuration, and return what is to be started, see `Recipe.plan`."""
        folder, secret = workspace.folder, secrets.token_hex(20)
        words = {
            "module": __name__,
            "host": HOST,
            "folder": folder,
            "region": _REGION,
            "secret": secret,
            "pipeline": _PIPELINE,
            "patience": _PATIENCE,
        }
        (folder / "proxy.conf").write_text(_PROXY.format(**words, port=workspace.port))
        for store in _STORES:
            (folder / f"{store}.conf").write_text(_STORE.format(**words, store=store, port=workspace.ports[store]))
        (folder / "devices" / "disk").mkdir(parents=True)
        command = (sys.executable, "-m", __name__, str(folder), *(str(workspace.ports[name]) for name in self.ports))
        daemon = Daemon("s3", command, Ready(http=f"http://{HOST}:{workspace.port}/healthcheck"))
        url = f"http://{HOST}:{workspace.port}"
        environment = {
            "AWS_ACCESS_KEY_ID": _KEY,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_DEFAULT_REGION": _REGION,
            "AWS_ENDPOINT_URL_S3": url,
        }
        return Plan((daemon,), url, environment)

    @contextmanager
    def isolate(self, endpoint: Endpoint, name: str) -> Iterator[Endpoint]:
        """Make a bucket, as `WIDGETSHOT_SERVICE_S3_BUCKET`; it has hyphens where the name has underscores."""
        bucket, client = name.replace("_", "-"), _client(endpoint)
        try:
            client.create_bucket(Bucket=bucket)
            own = {"WIDGETSHOT_SERVICE_S3_BUCKET": bucket}
            yield replace(endpoint, environment={**endpoint.environment, **own})
            for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
                if found := [{"Key": entry["Key"]} for entry in page.get("Contents", ())]:
                    client.delete_objects(Bucket=bucket, Delete={"Objects": found})
            client.delete_bucket(Bucket=bucket)
        finally:
            client.close()


def _client(endpoint: Endpoint) -> Any:
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=endpoint.url,
        aws_access_key_id=endpoint.environment.get("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=endpoint.environment.get("AWS_SECRET_ACCESS_KEY"),
        region_name=endpoint.environment.get("AWS_DEFAULT_REGION"),
    )


def log_to_stderr(_conf: object, _name: str, _console: bool, _route: str, fmt: str, logger: Any, _adapted: Any) -> None:
    """Write a log to standard error: a hook of Swift's, which by itself writes to syslog only."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(fmt))
    logger.addHandler(handler)


def serve(folder: Path, proxy: int, *stores: int) -> None:
    """Serve until SIGTERM.

    Args:
        folder: has the configurations; the rings are written here.
        stores: ports of the account, container and object server.
    """
    import eventlet
    import eventlet.wsgi
    from swift.common import utils

    utils.monkey_patch()
    from swift.common.http_protocol import SwiftHttpProtocol
    from swift.common.ring import RingBuilder
    from swift.common.wsgi import loadapp

    # Swift looks for it in /etc/swift/swift.conf only, and refuses to work without; where objects lie depends on it.
    utils.HASH_PATH_PREFIX = b"widgetshot"
    for store, port in zip(_STORES, stores, strict=True):
        builder = RingBuilder(part_power=2, replicas=1, min_part_hours=0)
        builder.add_dev({"region": 1, "zone": 1, "ip": HOST, "port": port, "device": "disk", "weight": 1})
        builder.rebalance()
        builder.get_ring().save(str(folder / f"{store}.ring.gz"))
    ended = eventlet.Queue()
    # The stores first: the proxy's answer says that all are there.
    for name, port in zip((*_STORES, "proxy"), (*stores, proxy), strict=True):
        # Settings as Swift's own run_server has them, which can't be called twice in a process.
        eventlet.spawn(
            eventlet.wsgi.server,
            eventlet.listen((HOST, port)),
            loadapp(str(folder / f"{name}.conf"), global_conf={"log_name": name}),
            utils.NullLogger(),
            protocol=SwiftHttpProtocol,
            capitalize_response_headers=False,
        ).link(ended.put)
    ended.get().wait()  # the first that ends takes the others along


RECIPE = S3()

if __name__ == "__main__":
    serve(Path(sys.argv[1]), *map(int, sys.argv[2:]))
