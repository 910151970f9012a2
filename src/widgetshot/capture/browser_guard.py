"""What keeps Playwright's server of browsers to what it is there for: a script that it loads before its own.

Its browsers reach the machine of whoever uses them by a proxy in that process, and it would do more than that:

- What the proxy does not forward, which is every address but `renderer.EXPOSED`, it would connect to by itself, so that
  pages reached the network, and the loopback of the server's machine by names that are not forwarded. Flags of the
  browser can't keep it from that, as names are looked up by the proxy. Here the process opens no connection at all.
- The proxy would listen on all addresses, and let whoever finds its port reach the loopback of the other machine. Here
  everything listens on loopback, and what another user of this machine opens is closed (Linux, where that can be seen).
- `GET /json` would tell the secret path by which programs can be launched. Here no request is answered.
- The path would stand in the process's arguments, which every user can read. Here it comes in the environment.
- It would live on when its parent is killed. Here it ends with its standard input, and its browsers and folder too.
"""

PATH_VARIABLE = "WIDGETSHOT_SERVER_PATH"

GUARD = r""""use strict";
const fs = require("fs"), http = require("http"), net = require("net");

process.argv.push("--path", process.env.WIDGETSHOT_SERVER_PATH);
delete process.env.WIDGETSHOT_SERVER_PATH;

net.Socket.prototype.connect = function () {
  const refused = Object.assign(new Error("widgetshot: no connection is opened from here"), { code: "ERULESET" });
  process.nextTick(() => this.destroy(refused));
  return this;
};

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...words) {
  const given = words[0], heard = words[words.length - 1];
  const port = Number(given !== null && typeof given === "object" ? given.port : given) || 0;
  const options = { port, host: "127.0.0.1" };
  return typeof heard === "function" ? listen.call(this, options, heard) : listen.call(this, options);
};

const TABLE = "/proc/net/tcp", STATE = 3, ESTABLISHED = "01", OWNER = 7;
const place = (port) => "0100007F:" + port.toString(16).toUpperCase().padStart(4, "0");
const own = (socket) => {
  let lines;
  try {
    lines = fs.readFileSync(TABLE, "latin1").split("\n");
  } catch {
    return true;
  }
  for (const line of lines) {
    const words = line.trim().split(/\s+/);
    if (words[1] === place(socket.remotePort) && words[2] === place(socket.localPort))
      // One that was closed belongs to nobody any more, which looks like root.
      return words[STATE] === ESTABLISHED && Number(words[OWNER]) === process.getuid();
  }
  return false;
};
const emit = net.Server.prototype.emit;
net.Server.prototype.emit = function (event, ...what) {
  if (event === "connection" && !own(what[0])) {
    what[0].destroy();
    return true;
  }
  return emit.call(this, event, ...what);
};
http.Server.prototype.emit = function (event, ...what) {
  if (event === "request") {
    what[1].writeHead(404);
    what[1].end();
    return true;
  }
  return net.Server.prototype.emit.call(this, event, ...what);
};

// Its parent may be gone, and nobody reads what it says at its end.
for (const pipe of [process.stdout, process.stderr]) pipe.on("error", () => {});
process.stdin.resume();
process.stdin.once("close", () => {
  // Behind what ends the browsers, which is done at the exit too.
  process.once("exit", () => {
    try {
      fs.rmSync(process.env.TMPDIR, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    } catch {
      // Whoever is still ending has written into it.
    }
  });
  process.exit(0);
});
"""
