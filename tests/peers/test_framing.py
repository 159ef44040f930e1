#!/usr/bin/env python3
"""Where requests end: muxd and nginx must agree, and an upstream must see as many requests as
muxd has forwarded. Random requests, from a seed that is printed; FRAMING_SEED gives it again,
FRAMING_COUNT says how many requests there are."""
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import exchange
import random_requests
import upstreams

MUXD = os.environ["MUXD_BINARY"]
SEED = int(os.environ.get("FRAMING_SEED") or random.SystemRandom().randrange(1 << 32))
COUNT = int(os.environ.get("FRAMING_COUNT") or 400)

# The same for muxd and nginx. Both forward to one nginx, whose answers tell what it was sent.
FRONT = """
daemon off; pid ROOT/NAME.pid; error_log ROOT/NAME.error; worker_processes 1; USER
events { worker_connections 64; }
http {
    client_body_temp_path ROOT/NAME.body; proxy_temp_path ROOT/NAME.temp; OWN
    proxy_ignore_client_abort on;
    log_format forwarded '$upstream_addr|$upstream_status'; access_log ROOT/NAME.forwarded forwarded;
    upstream behind { server 127.0.0.1:UPSTREAM; keepalive 4; }
    proxy_http_version 1.1;
    proxy_set_header Connection '';
    server { listen 127.0.0.1:PORT; location / { proxy_pass http://behind; } }
    server { listen 127.0.0.1:STREAMED; location / {
        proxy_pass http://behind; proxy_request_buffering off; } }
}
"""

NGINX_OWN = "".join("%s_temp_path ROOT/NAME.temp;" % name
                    for name in ("fastcgi", "uwsgi", "scgi"))


# Where muxd follows the RFCs, and nginx refuses a request or closes after it.
NGINX_DIFFERS = re.compile(
    rb":[ \t]*\t|\t[ \t]*\r?\n"  # a tab is white space around a value: RFC 9110 5.6.3
    rb"|(?i:connection:.*close)"  # of any word that contains it, not of the token alone: 7.6.1
)


class Front:
    """muxd or nginx before an upstream."""

    def __init__(self, name, binary, folder, upstream, own=""):
        self.root, self.name = folder, name
        self.port, self.streamed = upstreams.free_port(), upstreams.free_port()
        text = FRONT.replace("OWN", own)
        for key, value in (("ROOT", folder), ("NAME", name), ("PORT", self.port),
                           ("UPSTREAM", upstream.port), ("STREAMED", self.streamed),
                           ("USER", "user root;" if os.geteuid() == 0 else "")):
            text = text.replace(key, str(value))
        upstreams.write(os.path.join(folder, name + ".conf"), text)
        self.process = subprocess.Popen(
            [binary, "-p", folder + "/", "-c", name + ".conf", "-e", self.path("error")])
        until = time.monotonic() + upstreams.DEADLINE
        while not upstreams.accepts(self.port) or not upstreams.accepts(self.streamed):
            if self.process.poll() is not None or time.monotonic() > until:
                raise AssertionError(name + " does not start")
            time.sleep(0.01)

    def path(self, what):
        return os.path.join(self.root, "%s.%s" % (self.name, what))

    def answers(self, raw, streamed=False):
        """Status and body of everything that comes back when a client says this and no more.
        Bodies of refusals are the server's own."""
        with exchange.connect("127.0.0.1:%d" % (self.streamed if streamed else self.port)) as client:
            exchange.send(client, raw)
            try:
                client.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it has left
            received = exchange.receive(client, [])
        responses = [one for one in exchange.parse(received, []) if not one.interim()]
        return [(one.status[9:12], one.body if one.status[9:10] == b"2" else b"")
                for one in responses]

    def stop(self):
        """Ends it, and returns how many answers it has had from its upstream, and for how many
        attempts."""
        self.process.send_signal(signal.SIGQUIT)
        if self.process.wait(upstreams.DEADLINE) != 0:
            raise AssertionError("%s left with status %d" % (self.name, self.process.returncode))
        with open(self.path("forwarded"), encoding="ascii") as file:
            lines = [line.strip().split("|") for line in file]
        attempts = [one for addresses, _ in lines for one in addresses.split(", ") if one != "-"]
        answers = [one for _, statuses in lines for one in statuses.split(", ")
                   if one not in ("-", "502", "504")]
        return len(answers), len(attempts)


class Case(unittest.TestCase):
    def setUp(self):
        self.random = random.Random(SEED)
        self.folder = tempfile.mkdtemp(prefix="muxd-framing-")
        os.chmod(self.folder, 0o777)
        self.running = []

    def tearDown(self):
        for one in self.running:
            if one.process.poll() is None:
                one.process.terminate()  # killed, nginx would leave its workers behind
                one.process.wait(upstreams.DEADLINE)
        shutil.rmtree(self.folder)

    def run_server(self, server):
        self.running.append(server)
        return server


class SideBySide(Case):
    def setUp(self):
        super().setUp()
        behind = self.run_server(upstreams.Upstream("nginx", self.folder))
        self.muxd = self.run_server(Front("muxd", MUXD, self.folder, behind))
        self.nginx = self.run_server(Front("other", upstreams.program("nginx"), self.folder, behind,
                                           NGINX_OWN))

    def test_valid(self):
        for _ in range(COUNT):
            raw = random_requests.pipeline(self.random)
            self.assertEqual(self.muxd.answers(raw), self.nginx.answers(raw),
                             "seed %d: %r" % (SEED, raw))

    def test_nearly_valid(self):
        """muxd may refuse what nginx takes, never take what nginx refuses, nor take it
        for something else."""
        count = 0
        for _ in range(COUNT):
            raw = random_requests.mutated(self.random)
            if NGINX_DIFFERS.search(raw):
                continue
            ours, theirs = self.muxd.answers(raw), self.nginx.answers(raw)
            taken = [one for one in ours if one[0] == b"200"]
            self.assertEqual(taken, [one for one in theirs if one[0] == b"200"][:len(taken)],
                             "seed %d: %r: %r, %r" % (SEED, raw, ours, theirs))
            count += len(taken)
        self.assertGreater(count, COUNT // 4)


class Upstreams(Case):
    def forward(self, kind, streamed):
        """What muxd has forwarded, and what the upstream has seen."""
        folder = os.path.join(self.folder, "streamed" if streamed else "buffered")
        behind = self.run_server(upstreams.Upstream("nginx", folder)) if (
            kind == "haproxy") else None
        upstream = self.run_server(upstreams.Upstream(kind, folder, behind))
        muxd = self.run_server(Front("muxd", MUXD, folder, upstream))
        for number in range(COUNT):
            make = random_requests.mutated if number % 4 else random_requests.pipeline
            muxd.answers(make(self.random), streamed)
        answers, attempts = muxd.stop()
        return answers, attempts, len(upstream.stop())

    def check(self, kind):
        answers, _, seen = self.forward(kind, streamed=False)
        self.assertGreater(answers, COUNT // 4)
        self.assertEqual(seen, answers, "seed %d" % SEED)
        # Of a body that turns out to be broken on its way, the upstream has seen the beginning.
        answers, attempts, seen = self.forward(kind, streamed=True)
        self.assertTrue(answers <= seen <= attempts,
                        "seed %d: %d, %d, %d" % (SEED, answers, seen, attempts))

    def test_nginx(self):
        self.check("nginx")

    def test_lighttpd(self):
        self.check("lighttpd")

    def test_apache2(self):
        self.check("apache2")

    def test_haproxy(self):
        self.check("haproxy")

    def test_node(self):
        self.check("node")

    def test_http_server(self):
        self.check("http.server")


if __name__ == "__main__":
    print("seed", SEED)
    unittest.main(verbosity=2)
