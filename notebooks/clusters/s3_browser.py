"""A browser of an S3 object store: buckets, folders, a preview, uploads and deletions, and what the store refuses."""

import html
import os

import boto3
import ipywidgets as w
from botocore.config import Config
from botocore.exceptions import ClientError

CONTENT = {
    "measurements": {
        "README.md": b"# Measurements\n\nOne folder per station, one file per day.\nTemperatures in degrees Celsius, rain in millimetres.\n",
        "stations/harbour/2026-03-13.csv": b"hour,temperature,rain\n"
        + b"".join(b"%02d,%.1f,%.1f\n" % (h, 6 + h * 0.3, (h % 5) / 5) for h in range(24)),
        "stations/harbour/2026-03-14.csv": b"hour,temperature,rain\n"
        + b"".join(b"%02d,%.1f,%.1f\n" % (h, 7 + h * 0.25, (h % 3) / 4) for h in range(24)),
        "stations/hill/2026-03-14.csv": b"hour,temperature,rain\n00,2.5,0.0\n06,1.5,0.5\n12,4.0,0.0\n18,3.0,0.0\n",
        "stations/stations.json": b'{\n  "harbour": {"height": 4, "since": 1987},\n  "hill": {"height": 412, "since": 2003}\n}\n',
        "raw/archive.bin": bytes(range(256)) * 288,
    },
    "models": {"rain/weights.bin": bytes(range(256)) * 4096, "rain/card.md": b"# Rain\n\nTrained on `measurements`.\n"},
    "scratch": {},
}
TEXT = (".md", ".csv", ".json", ".txt", ".log")
PREVIEWED = 8  # lines

STYLE = """
<style>
.s3 { --s3-line: var(--jp-border-color2, #e0e0e0); --s3-soft: var(--jp-content-font-color2, #616161); --s3-card: var(--jp-layout-color1, #fff);
  --s3-page: color-mix(in srgb, var(--jp-layout-color1, #fff) 95%, var(--jp-ui-font-color0, #000)); --s3-accent: var(--jp-brand-color1, #1976d2);
  width: 100%; box-sizing: border-box; overflow: hidden; border: 1px solid var(--s3-line); border-radius: 10px; background: var(--s3-card);
  color: var(--jp-content-font-color1, #212121); font-family: var(--jp-ui-font-family, system-ui, sans-serif); }
.s3 .jupyter-widgets { margin: 0; }
.s3 .widget-html, .s3 .widget-html-content { height: auto; line-height: 1.4; font-size: 13px; color: inherit; }
.s3 .jupyter-button { width: auto; height: 32px; line-height: 30px; padding: 0 12px; border-radius: 5px; font-size: 13px; box-shadow: none; color: inherit;
  background: var(--s3-card); border: 1px solid var(--jp-border-color1, #bdbdbd); }
.s3 .jupyter-button.mod-primary { color: #fff; background: var(--s3-accent); border-color: var(--s3-accent); font-weight: 600; }
.s3 .s3-input { display: flex; flex-direction: column; align-items: stretch; width: auto; min-width: 0; height: auto; overflow: visible; }
.s3 .s3-input > .widget-label { width: auto; height: auto; line-height: 1.4; margin: 0 0 4px; text-align: left; font-size: 12px; color: var(--s3-soft); }
.s3 .s3-input input { flex: none; width: 100%; height: 32px; box-sizing: border-box; padding-left: 9px; border-radius: 5px; font-size: 13px; color: inherit;
  border-color: var(--jp-border-color1, #bdbdbd); background-color: var(--jp-layout-color0, #fff); }
.s3 .s3-head { display: grid; grid-template-columns: minmax(0, 1fr) 180px 180px auto; gap: 12px; align-items: end; padding: 14px 20px;
  border-bottom: 1px solid var(--s3-line); overflow: visible; }
.s3 .s3-head > .widget-html { align-self: center; }
.s3-title { font-size: 16px; font-weight: 600; line-height: 1.25; } .s3-sub { font-size: 12px; color: var(--s3-soft); }
.s3 .s3-body { display: grid; grid-template-columns: 210px minmax(0, 1fr); min-height: 470px; overflow: visible; }
.s3 .s3-side { display: flex; flex-direction: column; gap: 4px; padding: 16px 14px; border-right: 1px solid var(--s3-line); background: var(--s3-page); overflow: visible; }
.s3 .s3-buckets { display: flex; flex-direction: column; gap: 4px; overflow: visible; }
.s3 .s3-bucket { text-align: left; border-color: transparent; background: none; }
.s3 .s3-bucket.s3-open { background: var(--s3-card); border-color: var(--s3-line); font-weight: 600; }
.s3-h { font-size: 12px; color: var(--s3-soft); margin-bottom: 4px; }
.s3 .s3-go { display: flex; flex-direction: column; gap: 8px; margin-top: auto; overflow: visible; }
.s3 .s3-main { display: flex; flex-direction: column; gap: 12px; padding: 14px 20px 18px; min-width: 0; overflow: visible; }
.s3 .s3-bar { display: flex; align-items: center; gap: 10px; overflow: visible; }
.s3 .s3-crumbs { display: flex; align-items: center; flex: 1; gap: 2px; overflow: visible; }
.s3 .s3-crumbs .jupyter-button { padding: 0 6px; border-color: transparent; background: none; color: var(--s3-accent); }
.s3 .s3-crumbs .jupyter-button:last-child { color: inherit; font-weight: 600; }
.s3 .s3-crumbs .widget-html { color: var(--s3-soft); }
.s3 .s3-rows { border: 1px solid var(--s3-line); border-radius: 8px; overflow: hidden; }
.s3 .s3-row, .s3 .s3-names > .widget-html-content { display: grid; grid-template-columns: minmax(0, 1fr) 90px 150px 32px; gap: 12px; align-items: center; padding: 3px 10px;
  border-top: 1px solid var(--s3-line); overflow: visible; }
.s3 .s3-names > .widget-html-content { border-top: none; padding: 6px 10px; font-size: 12px; color: var(--s3-soft); background: var(--s3-page); }
.s3 .s3-name { justify-self: start; height: 28px; line-height: 26px; padding: 0 6px; border-color: transparent; background: none; text-align: left; }
.s3 .s3-name i { width: 18px; color: var(--s3-soft); }
.s3 .s3-row.s3-open .s3-name { font-weight: 600; color: var(--s3-accent); }
.s3-size { display: block; text-align: right; font-variant-numeric: tabular-nums; }
.s3-tag { display: block; font-family: var(--jp-code-font-family, monospace); font-size: 12px; color: var(--s3-soft); }
.s3 .s3-delete { width: 30px; height: 28px; line-height: 26px; padding: 0; border-color: transparent; background: none; color: var(--s3-soft); }
.s3-empty { padding: 18px; text-align: center; color: var(--s3-soft); border-top: 1px solid var(--s3-line); }
.s3-preview { border: 1px solid var(--s3-line); border-radius: 8px; overflow: hidden; }
.s3-preview div { padding: 6px 12px; font-size: 12px; color: var(--s3-soft); background: var(--s3-page); border-bottom: 1px solid var(--s3-line); }
.s3 .s3-main pre.s3-text { margin: 0; padding: 8px 12px; background: none; color: inherit; font-size: 12px; line-height: 18px;
  font-family: var(--jp-code-font-family, monospace); }
.s3-note { padding: 10px 14px; border: 1px solid var(--s3-line); border-left-width: 4px; border-radius: 6px; }
.s3-note b { font-weight: 600; } .s3-note code { font-family: var(--jp-code-font-family, monospace); font-size: 12px; background: none; color: inherit; }
.s3-note.good { border-left-color: var(--jp-success-color1, #388e3c); } .s3-note.bad { border-left-color: var(--jp-error-color1, #d32f2f); }
.s3-note.bad b { color: var(--jp-error-color1, #d32f2f); }
</style>
"""


def connect(key, secret):
    """A client of the store that the environment names."""
    # A refusal is shown at once.
    once = Config(retries={"total_max_attempts": 1})
    return boto3.client("s3", aws_access_key_id=key, aws_secret_access_key=secret, config=once)


def seed(client):
    """Fill an empty store."""
    for bucket, objects in CONTENT.items():
        client.create_bucket(Bucket=bucket)
        for key, body in objects.items():
            client.put_object(Bucket=bucket, Key=key, Body=body)


def in_units(size):
    """A number of bytes, as people write it."""
    if size < 1024:
        return f"{size} B"
    return f"{size / 1024:.1f} KiB" if size < 1024**2 else f"{size / 1024**2:.1f} MiB"


class Browser:
    """Shows what the store holds; display ``browser.widget``.

    The days of the objects are not shown: they are always today.
    """

    def __init__(self):
        self.bucket, self.prefix, self.shown = "measurements", "", None
        self.head = w.HTML()
        self.key = self._input(w.Text, "Access key", "s3-key", value=os.environ["AWS_ACCESS_KEY_ID"])
        self.secret = self._input(w.Password, "Secret", "s3-secret", value=os.environ["AWS_SECRET_ACCESS_KEY"])
        login = w.Button(description="Connect", _dom_classes=("s3-connect",))
        self.buckets = w.Box(_dom_classes=("s3-buckets",))
        self.wanted = self._input(w.Text, "Another bucket", "s3-wanted", placeholder="its name")
        go = w.Button(description="Open", _dom_classes=("s3-open-bucket",))
        self.crumbs = w.Box(_dom_classes=("s3-crumbs",))
        self.upload = w.FileUpload(description="Upload", button_style="primary", _dom_classes=("s3-upload",))
        self.rows = w.VBox(_dom_classes=("s3-rows",))
        self.preview = w.HTML()
        self.note = w.HTML()
        self.widget = w.VBox(
            [
                w.HTML(STYLE),
                w.Box([self.head, self.key, self.secret, login], _dom_classes=("s3-head",)),
                w.Box(
                    [
                        w.VBox(
                            [
                                w.HTML('<div class="s3-h">Buckets</div>'),
                                self.buckets,
                                w.Box([self.wanted, go], _dom_classes=("s3-go",)),
                            ],
                            _dom_classes=("s3-side",),
                        ),
                        w.VBox(
                            [
                                w.HBox([self.crumbs, self.upload], _dom_classes=("s3-bar",)),
                                self.note,
                                self.rows,
                                self.preview,
                            ],
                            _dom_classes=("s3-main",),
                        ),
                    ],
                    _dom_classes=("s3-body",),
                ),
            ],
            _dom_classes=("s3",),
        )
        login.on_click(lambda _: self._connect())
        go.on_click(lambda _: self._open(self.wanted.value))
        self.upload.observe(lambda change: change["new"] and self._upload(change["new"]), "value")
        self._connect()

    def _input(self, kind, label, css, **more):
        return kind(description=label, _dom_classes=("s3-input", css), **more)

    # -- what the store is asked for ----------------------------------------------------------------------------

    def _connect(self):
        self.client = connect(self.key.value, self.secret.value)
        self._open(self.bucket, self.prefix)

    def _open(self, bucket, prefix=""):
        """Show a folder; what was shown before is gone, also when the store refuses."""
        self.bucket, self.prefix, self.shown = bucket, prefix, None
        self._say()
        self._look()

    def _look(self):
        self._show_buckets([])
        try:
            self._show_buckets([each["Name"] for each in self.client.list_buckets()["Buckets"]])
            found = self.client.list_objects_v2(Bucket=self.bucket, Prefix=self.prefix, Delimiter="/")
        except ClientError as error:
            self._refused(error)
            self._show(None)
        else:
            self._show(found)

    def _read(self, key):
        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=key)
            self.shown = (key, answer["ContentLength"], answer["Body"].read(4096))
        except ClientError as error:
            self._refused(error)
        self._look()

    def _upload(self, files):
        try:
            for file in files:
                self.client.put_object(Bucket=self.bucket, Key=self.prefix + file["name"], Body=bytes(file["content"]))
        except ClientError as error:
            self._refused(error)
        else:
            self._say("good", "Uploaded", ", ".join(f"{file['name']}, {in_units(file['size'])}" for file in files))
        self.upload.value = ()
        self._look()

    def _delete(self, key):
        try:
            self.client.delete_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            self._refused(error)
        else:
            self._say("good", "Deleted", key)
        if self.shown and self.shown[0] == key:
            self.shown = None
        self._look()

    # -- what is shown ------------------------------------------------------------------------------------------

    def _refused(self, error):
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        self._say("bad", f"{status} {error.response['Error']['Code']}", error.response["Error"]["Message"])

    def _say(self, state="", title="", words=""):
        self.note.value = (
            f'<div class="s3-note {state}"><b>{html.escape(title)}</b> {html.escape(words)}</div>' if state else ""
        )
        self.note.layout.display = None if state else "none"

    def _show_buckets(self, names):
        def button(name):
            made = w.Button(description=name, icon="database", _dom_classes=("s3-bucket",))
            if name == self.bucket:
                made.add_class("s3-open")
            made.on_click(lambda _: self._open(name))
            return made

        self.buckets.children = [button(name) for name in names]
        self.head.value = (
            '<div class="s3-title">Object store</div>'
            f'<div class="s3-sub">{len(names) or "no"} buckets, over the S3 protocol</div>'
        )

    def _show(self, found):
        """Args: found: the answer of `list_objects_v2`, or None where the store refused."""
        parts = self.prefix.split("/")[:-1]
        crumbs = []
        for depth, name in enumerate([self.bucket, *parts]):
            crumb = w.Button(description=name)
            crumb.on_click(lambda _, depth=depth: self._open(self.bucket, "".join(f"{p}/" for p in parts[:depth])))
            crumbs += [w.HTML("/"), crumb] if depth else [crumb]
        self.crumbs.children = crumbs
        self.upload.disabled = found is None
        self.rows.layout.display = "none" if found is None else None
        if found is not None:
            folders = [self._folder(each["Prefix"]) for each in found.get("CommonPrefixes", ())]
            objects = [self._object(each) for each in found.get("Contents", ())]
            names = w.HTML(
                '<span>Name</span><span class="s3-size">Size</span><span>MD5</span><span></span>',
                _dom_classes=("s3-names",),
            )
            empty = [] if folders or objects else [w.HTML('<div class="s3-empty">Nothing in here yet</div>')]
            self.rows.children = [names, *folders, *objects, *empty]
        self.preview.value = self._previewed() if self.shown else ""
        self.preview.layout.display = None if self.shown else "none"

    def _folder(self, prefix):
        name = w.Button(description=prefix[len(self.prefix) :], icon="folder", _dom_classes=("s3-name",))
        name.on_click(lambda _: self._open(self.bucket, prefix))
        return w.Box([name], _dom_classes=("s3-row",))

    def _object(self, entry):
        key = entry["Key"]
        name = w.Button(description=key[len(self.prefix) :], icon="file-o", _dom_classes=("s3-name",))
        name.on_click(lambda _: self._read(key))
        delete = w.Button(icon="trash-o", tooltip=f"Delete {key}", _dom_classes=("s3-delete",))
        delete.on_click(lambda _: self._delete(key))
        row = w.Box(
            [
                name,
                w.HTML(f'<span class="s3-size">{in_units(entry["Size"])}</span>'),
                w.HTML(f'<span class="s3-tag">{entry["ETag"].strip(chr(34))[:16]}…</span>'),
                delete,
            ],
            _dom_classes=("s3-row",),
        )
        if self.shown and self.shown[0] == key:
            row.add_class("s3-open")
        return row

    def _previewed(self):
        key, size, body = self.shown
        if key.endswith(TEXT):
            lines = body.decode(errors="replace").splitlines()
            text = html.escape("\n".join([*lines[:PREVIEWED], "…"] if len(lines) > PREVIEWED else lines))
        else:
            text = "\n".join(body[k : k + 16].hex(" ") for k in range(0, 96, 16))
        name = html.escape(key.rpartition("/")[2])
        return f'<div class="s3-preview"><div>{name}, {in_units(size)}</div><pre class="s3-text">{text}</pre></div>'
