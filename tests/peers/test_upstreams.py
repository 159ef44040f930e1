#!/usr/bin/env python3
"""Groups of upstream servers: requests are spread as nginx spreads them; upstreams restart,
and names move to other addresses, under load, and no request fails."""
import collections
import getpass
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

MUXD = os.environ["MUXD_BINARY"]
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
DNSMASQ = shutil.which("dnsmasq") or shutil.which("dnsmasq", path="/usr/sbin")
DEADLINE = 30  # seconds that any wait may last

CONF = """
{user}
daemon off;
worker_processes {workers};
pid {root}/pid;
error_log {root}/error.log error;
events {{ worker_connections 1000; }}
http {{
    access_log off;
    {temp}
    {config}
}}
"""
NGINX_TEMP = "".join("%s_temp_path ROOT/%s;" % (name, name) for name in
                     ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))

# Every way to spread requests whose choice can be foretold. D is a port where nobody listens.
GROUPS = {
    "turns": "server A weight=5; server B; server C;",
    "weights": "server A weight=3; server B weight=2; server C; server E weight=7;",
    "down": "server A; server B down; server C weight=2;",
    "backup": "server D; server A backup; server B backup weight=2;",
    "dead": "server A weight=4; server D weight=3; server B; server C weight=2;",
    "patient": "server A weight=4; server D weight=9 max_fails=3; server B; server C weight=2;",
    "least": "least_conn; server A weight=3; server B; server C;",
    "least_dead": "least_conn; server A weight=3; server D weight=9; server C;",
    "address": "ip_hash; server A; server B; server C; server E;",
    "address_weights": "ip_hash; server A weight=3; server B down; server C weight=2; server E;",
    "key": "hash $arg_k; server A weight=2; server B; server C; server E;",
    "key_dead": "hash $arg_k; server A weight=2; server D; server C; server E;",
    "ring": "hash $arg_k consistent; server A; server B; server C weight=3; server E;",
    "ring_dead": "hash $arg_k consistent; server A; server D; server C weight=3; server E;",
}
# Those with lots: the part of the requests that each server gets.
LOTS = {
    "lots": ("random; server A weight=3; server B; server C;", (0.6, 0.2, 0.2)),
    "two_lots": ("random two least_conn; server A; server B; server C;", (1 / 3, 1 / 3, 1 / 3)),
}


def free_ports(count):
    """Ports below those that outgoing connections take, so that they stay free."""
    ports = []
    for port in range(20000 + os.getpid() % 10000, 32000):
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
        ports.append(port)
        if len(ports) == count:
            return ports
    raise AssertionError("no port is free")


def eventually(condition, what):
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("never happened: " + what)
        time.sleep(0.02)


def accepts(port, address="127.0.0.1"):
    with socket.socket() as client:
        return client.connect_ex((address, port)) == 0


class Server:
    """muxd or nginx with a configuration, in a folder of its own."""

    def __init__(self, program, config, port, workers=1, address="127.0.0.1"):
        self.program, self.port, self.address = program, port, address
        self.root = tempfile.mkdtemp(prefix="muxd-upstreams-")
        temp = NGINX_TEMP.replace("ROOT", self.root) if program == NGINX else ""
        user = "user root;" if os.geteuid() == 0 else ""
        with open(os.path.join(self.root, "server.conf"), "w") as file:
            file.write(CONF.format(user=user, root=self.root, temp=temp, config=config,
                                   workers=workers))
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [self.program, "-p", self.root + "/", "-c", "server.conf", "-e",
             os.path.join(self.root, "error.log")])
        eventually(lambda: accepts(self.port, self.address), "the server accepts")

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait(DEADLINE)

    def errors(self):
        with open(os.path.join(self.root, "error.log")) as file:
            return file.read()

    def remove(self):
        if self.process.poll() is None:
            self.stop(signal.SIGQUIT)
        shutil.rmtree(self.root)


def ask(port, path):
    """Status and body of one answer."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    try:
        client.request("GET", path)
        answer = client.getresponse()
        return answer.status, answer.read().decode()
    finally:
        client.close()


class Load:
    """wrk, until it is stopped; then none of its requests has failed."""

    def __init__(self, port, path="/"):
        self.wrk = subprocess.Popen(
            ["wrk", "-t1", "-c10", "-d60s", "http://127.0.0.1:%d%s" % (port, path)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def finish(self, test):
        test.assertIsNone(self.wrk.poll(), "the load has ended too early")
        self.wrk.send_signal(signal.SIGINT)
        text = self.wrk.communicate(timeout=DEADLINE)[0].decode()
        test.assertNotIn("Socket errors", text)
        test.assertNotIn("Non-2xx", text)
        test.assertGreater(int(re.search(r"(\d+) requests in", text).group(1)), 0)


class Case(unittest.TestCase):
    def start(self, *arguments, **more):
        server = Server(*arguments, **more)
        self.addCleanup(server.remove)
        return server


class Spreading(Case):
    """The same requests to nginx and to muxd, in front of the same servers."""

    COUNT = 60

    def setUp(self):
        ports = free_ports(7)
        self.port = ports[0]
        self.names = dict(zip("ABCDE", ports[2:]))
        back = "".join("server { listen 127.0.0.1:%d; location / { return 200 %s; } }" % (port, name)
                       for name, port in self.names.items() if name != "D")
        self.start(MUXD, back, self.names["A"])

    def config(self):
        groups = dict(GROUPS, **{name: text for name, (text, _) in LOTS.items()})
        text = "set_real_ip_from 127.0.0.1; real_ip_header X-Address;\n"
        for name, body in groups.items():
            body = re.sub(r"\b([A-E])\b", lambda found: "127.0.0.1:%d" % self.names[found[1]], body)
            text += "upstream %s { %s }\n" % (name, body)
        text += "server { listen 127.0.0.1:%d;\n" % self.port
        for name in groups:
            text += "location /%s { proxy_pass http://%s; }\n" % (name, name)
        return text + "}\n"

    def collect(self, program):
        server = Server(program, self.config(), self.port)
        try:
            chosen = {name: self.choices(name, self.COUNT) for name in GROUPS}
            parts = {name: collections.Counter(self.choices(name, 1000)) for name in LOTS}
        finally:
            server.remove()
        return chosen, parts

    def choices(self, name, count):
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        chosen = []
        for i in range(count):
            address = "2001:db8:%x::%x" % (i, i % 7) if i % 3 == 0 else (
                "10.%d.%d.1" % (i % 7, i * 5 % 256))
            client.request("GET", "/%s?k=key%d" % (name, i % 45), headers={"X-Address": address})
            chosen.append(client.getresponse().read().decode()[:1])
        client.close()
        return "".join(chosen)

    def test_as_nginx(self):
        expected, expected_parts = self.collect(NGINX)
        got, parts = self.collect(MUXD)
        self.maxDiff = None
        self.assertEqual(got, expected)
        for name, (_, shares) in LOTS.items():
            for letter, share in zip("ABC", shares):
                for counter in (parts[name], expected_parts[name]):
                    self.assertAlmostEqual(counter[letter] / 1000, share, delta=0.1, msg=name)


class Restarting(Case):
    def test_one_by_one(self):
        """Three nginx behind muxd stop at once and come back, while wrk asks."""
        ports = free_ports(4)
        backs = [self.start(NGINX, "server { listen 127.0.0.1:%d; return 200 %d; }" % (port, i), port)
                 for i, port in enumerate(ports[1:])]
        servers = "".join("server 127.0.0.1:%d fail_timeout=1s;" % port for port in ports[1:])
        front = self.start(MUXD, """
            upstream group { zone group 128k; %s keepalive 8; }
            server { listen 127.0.0.1:%d; location / { proxy_pass http://group;
                proxy_http_version 1.1; proxy_set_header Connection ''; } }
            """ % (servers, ports[0]), ports[0], workers=2)
        load = Load(ports[0])
        for i, back in enumerate(backs):
            back.stop()
            eventually(lambda: str(back.port) in front.errors(), "it is missed")
            back.start()
            eventually(lambda: ask(ports[0], "/") == (200, str(i)), "it is back")
        load.finish(self)


class Names(Case):
    """dnsmasq says where the servers are."""

    def setUp(self):
        self.ports = free_ports(3)
        self.folder = tempfile.mkdtemp(prefix="muxd-names-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.hosts = os.path.join(self.folder, "hosts")
        self.dns = None

    def say(self, *lines):
        """From now on it answers so."""
        with open(self.hosts, "w") as file:
            file.write("\n".join(lines) + "\n")
        if self.dns is not None:
            self.dns.send_signal(signal.SIGHUP)
            return
        self.dns = subprocess.Popen(
            [DNSMASQ, "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
             "--port=%d" % self.ports[1], "--listen-address=127.0.0.1", "--bind-interfaces",
             "--pid-file=", "--user=" + getpass.getuser(), "--log-facility=-",
             "--addn-hosts=" + self.hosts, "--local-ttl=1", "--edns-packet-max=512",
             "--srv-host=_http._tcp.service.example,one.example,%d" % self.ports[2]],
            stderr=subprocess.DEVNULL)
        self.addCleanup(self.dns.wait, DEADLINE)
        self.addCleanup(self.dns.terminate)
        eventually(lambda: accepts(self.ports[1]), "dnsmasq accepts")

    def front(self, config, **more):
        resolver = "resolver 127.0.0.1:%d ipv6=off; resolver_timeout 10s;" % self.ports[1]
        return self.start(MUXD, resolver + config, self.ports[0], **more)

    def back(self, address, text):
        return self.start(MUXD, "server { listen %s:%d; location / { return 200 %s; } }" % (
            address, self.ports[2], text), self.ports[2], address=address)

    def test_a_name_moves(self):
        """From one address to another, under load."""
        self.say("127.0.0.2 app.example")
        one = self.back("127.0.0.2", "one")
        self.front("""
            upstream group { zone group 128k; server app.example:%d resolve; keepalive 4; }
            server { listen 127.0.0.1:%d; location / { proxy_pass http://group; } }
            """ % (self.ports[2], self.ports[0]), workers=2)
        load = Load(self.ports[0])
        self.assertEqual(ask(self.ports[0], "/"), (200, "one"))
        self.back("127.0.0.3", "two")
        self.say("127.0.0.3 app.example")
        in_a_row = 0
        end = time.monotonic() + DEADLINE
        while in_a_row < 30:
            self.assertLess(time.monotonic(), end, "it does not move")
            in_a_row = in_a_row + 1 if ask(self.ports[0], "/") == (200, "two") else 0
        one.stop(signal.SIGQUIT)
        load.finish(self)

    def test_services_and_variables(self):
        """SRV, and an answer that fits into TCP only."""
        self.say("127.0.0.2 one.example",
                 *("127.0.1.%d many.example" % number for number in range(1, 60)))
        self.back("0.0.0.0", "any")
        self.front("""
            upstream group { server service.example service=http resolve; }
            server { listen 127.0.0.1:%d;
                location / { proxy_pass http://group; }
                location /to { proxy_pass http://$arg_host:%d/$upstream_addr; } }
            """ % (self.ports[0], self.ports[2]))
        self.assertEqual(ask(self.ports[0], "/"), (200, "any"))
        self.assertEqual(ask(self.ports[0], "/to?host=many.example"), (200, "any"))
        self.assertEqual(ask(self.ports[0], "/to?host=no.example")[0], 502)


if __name__ == "__main__":
    unittest.main(verbosity=2)
