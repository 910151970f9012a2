"""A small inference server, its client, and the recording of a load that was put on it.

The model continues a text by beam search over the letters of the Zen of Python. Two requests are computed at a time, six
more may wait, whatever comes then is answered by 503. `python inference_server.py FILE` puts the load on a server of its
own, measures every request and writes the recording.
"""

import asyncio
import codecs
import contextlib
import http.client
import io
import json
import platform
import subprocess
import sys
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from math import log
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

WORKERS, WAITING, CLIENTS = 2, 6, 4
STEADY, HELD, TOO_MANY = 96, WORKERS + WAITING, 4  # requests: of the steady load, that fit in, that do not


class Model:
    """How often each letter follows each three letters of the Zen of Python."""

    def __init__(self):
        with contextlib.redirect_stdout(io.StringIO()):
            import this
        text = codecs.decode(this.s, "rot13")
        counts = defaultdict(Counter)
        for at in range(3, len(text)):
            counts[text[at - 3 : at]][text[at]] += 1
        self.next = {
            last: sorted((round(-log(n / following.total()), 6), letter) for letter, n in following.items())
            for last, following in counts.items()
        }

    def complete(self, prompt, length, width=24):
        """The likeliest continuation, found by a beam search; ties go to the first letter of the alphabet."""
        beam = [(0.0, prompt)]
        for _ in range(length):
            longer = [(cost + more, text + one) for cost, text in beam for more, one in self.next.get(text[-3:], ())]
            beam = sorted(longer)[:width] or beam
        return beam[0][1]


class State:
    def __init__(self):
        self.model = Model()
        self.inside = 0
        self.slots, self.loaded, self.changed = asyncio.Semaphore(WORKERS), asyncio.Event(), asyncio.Condition()
        self.loaded.set()

    async def count(self, change):
        async with self.changed:
            self.inside += change
            self.changed.notify_all()


class _Handler(RequestHandler):
    def initialize(self, state):
        self.state = state


class Complete(_Handler):
    async def post(self):
        request, state = json.loads(self.request.body), self.state
        if state.inside >= WORKERS + WAITING:
            self.set_status(503)
            self.finish({"error": "queue full"})
            return
        await state.count(1)
        try:
            async with state.slots:
                await state.loaded.wait()
                work = asyncio.to_thread(state.model.complete, request["prompt"], request["length"])
                self.finish({"text": await work})
        finally:
            await state.count(-1)


class Held(_Handler):
    """Answers as soon as so many requests are in the server."""

    async def get(self):
        async with self.state.changed:
            await self.state.changed.wait_for(lambda: self.state.inside >= int(self.get_argument("n")))
        self.finish({"inside": self.state.inside})


class Reload(_Handler):
    """`begin` takes the model away, `end` brings one that was made anew; requests wait meanwhile."""

    async def post(self, what):
        if what == "begin":
            self.state.loaded.clear()
        else:
            self.state.model = await asyncio.to_thread(Model)
            self.state.loaded.set()
        self.finish({})


async def serve():
    """Serve on a free port of the loopback, which is printed, until standard input ends."""
    state = {"state": State()}
    server = HTTPServer(
        Application([("/complete", Complete, state), ("/held", Held, state), ("/reload/(begin|end)", Reload, state)])
    )
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    print(sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


class Server:
    """A server process, and how it is asked."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.port = int(self.process.stdout.readline())

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def ask(self, method, path, body=None):
        """(status, what was answered)

        Raises:
            ConnectionRefusedError: the server is gone.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body=None if body is None else json.dumps(body))
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def timed(self, request):
        """Send one request: its status, its text and when it was sent and answered, in milliseconds since the epoch."""
        sent = time.time() * 1000
        status, answer = self.ask("POST", "/complete", {"prompt": request["prompt"], "length": request["length"]})
        return {"status": status, "text": answer.get("text", ""), "sent": sent, "answered": time.time() * 1000}

    def steady(self, requests):
        """Put requests on the server, as many at a time as there are clients."""
        with ThreadPoolExecutor(CLIENTS) as clients:
            return list(clients.map(self.timed, requests))

    def burst(self, requests):
        """While the model is reloaded, send as many requests as fit in, then the rest; then let the model come."""
        self.ask("POST", "/reload/begin")
        with ThreadPoolExecutor(HELD) as clients:
            held = [clients.submit(self.timed, request) for request in requests[:HELD]]
            self.ask("GET", f"/held?n={HELD}")
            refused = [self.timed(request) for request in requests[HELD:]]
            self.ask("POST", "/reload/end")
            return [one.result() for one in held] + refused


def schedule():
    """The requests of the load: beginnings of words, and how many letters shall follow."""
    prompts = ["Bea", "Exp", "Sim", "Com", "Fla", "Rea", "Spe", "Err", "In ", "The", "Now", "If ", "Nam"]
    return [
        {"prompt": prompts[n % len(prompts)], "length": 16 + 29 * n % 64} for n in range(STEADY + HELD + TOO_MANY)
    ]


def record(file):
    """Put the load on a server and write down what was measured."""
    server, requests = Server(), schedule()
    try:
        server.steady(requests[:CLIENTS])  # the first ones pay for what is loaded only once
        answers = server.steady(requests[:STEADY]) + server.burst(requests[STEADY:])
    finally:
        server.stop()
    begin = min(answer["sent"] for answer in answers)
    for answer in answers:
        answer |= {"sent": round(answer["sent"] - begin, 2), "answered": round(answer["answered"] - begin, 2)}
    about = {
        "what": "each request's status and text, and when its client sent it and had its answer, in milliseconds",
        "how": "python inference_server.py FILE",
        "when": datetime.now(UTC).date().isoformat(),
        "where": f"Python {platform.python_version()} on {platform.machine()}",
    }
    rows = ",\n".join(json.dumps(request | answer) for request, answer in zip(requests, answers, strict=True))
    Path(file).write_text(f'{{"about": {json.dumps(about)},\n"requests": [\n{rows}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] == ["--serve"]:
        asyncio.run(serve())
    else:
        record(sys.argv[1])
