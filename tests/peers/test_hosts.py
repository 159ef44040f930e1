#!/usr/bin/env python3
"""Three muxd behind HAProxy, as conf/deploy/haproxy.cfg has it, are restarted one by one under
load: no request fails. Each is a host with a network of its own, in a name space, where this
process may make them; else it has a loopback address of its own."""
import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.request

MUXD = os.environ["MUXD_BINARY"]
DEPLOY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../conf/deploy")
DEADLINE = 30  # seconds that any wait may last
ROUNDS = int(os.environ.get("MUXD_HOSTS_ROUNDS", "1"))  # of restarts: tests/soak/hosts

CONF = """
daemon off;
worker_processes 2;
drain_on_term on;
drain_delay 2s;
pid logs/muxd.pid;
error_log logs/error.log info;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    server {{
        listen {address}:{port} proxy_protocol;
        location = /healthz {{ healthz; }}
        location / {{ return 200 "{name} $proxy_protocol_addr\\n"; }}
    }}
}}
"""


def free_port(address):
    with socket.socket() as listening:
        listening.bind((address, 0))
        return listening.getsockname()[1]


def eventually(condition, what):
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("never happened: " + what)
        time.sleep(0.02)


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


class LoopbackNetwork:
    """Hosts are addresses of this machine."""

    def __init__(self, names):
        self.addresses = {name: "127.0.0.%d" % (2 + i) for i, name in enumerate(names)}

    def port_of(self, name):
        return free_port(self.addresses[name])

    def command(self, _, *arguments):
        return list(arguments)

    def remove(self):
        pass


class Network:
    """Hosts are network name spaces on one bridge, with the addresses of haproxy.cfg. The bridge
    is in a name space too, which this process and those that it starts enter."""

    def __init__(self, names):
        self.addresses = {name: "10.0.0.%d" % (1 + i) for i, name in enumerate(names)}
        self.before = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.made = []
        try:
            self.build()
        except BaseException:
            self.remove()
            raise

    def space(self, name):
        return "muxd-%d-%s" % (os.getpid(), name)

    def make(self, name):
        ip("netns", "add", self.space(name))
        self.made.append(self.space(name))
        ip("-n", self.space(name), "link", "set", "lo", "up")

    def build(self):
        self.make("front")
        front = self.space("front")
        ip("-n", front, "link", "add", "bridge", "type", "bridge")
        ip("-n", front, "address", "add", "10.0.0.254/24", "dev", "bridge")
        ip("-n", front, "link", "set", "bridge", "up")
        for name, address in self.addresses.items():
            self.make(name)
            host = self.space(name)
            ip("-n", front, "link", "add", name, "type", "veth", "peer", "name", "eth0",
               "netns", host)
            ip("-n", front, "link", "set", name, "master", "bridge", "up")
            ip("-n", host, "address", "add", address + "/24", "dev", "eth0")
            ip("-n", host, "link", "set", "eth0", "up")
        with open("/run/netns/" + front) as space:
            self.enter(space.fileno())

    @staticmethod
    def enter(descriptor):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(descriptor, 0) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def port_of(self, _):
        return 8080

    def command(self, name, *arguments):
        return ["ip", "netns", "exec", self.space(name), *arguments]

    def remove(self):
        self.enter(self.before)
        os.close(self.before)
        for space in self.made:
            ip("netns", "delete", space)


def network(names):
    try:
        return Network(names)
    except (OSError, subprocess.CalledProcessError) as error:
        print("no name spaces (%s): three loopback addresses" % error)
        return LoopbackNetwork(names)


class Host:
    """A muxd on an address of its own."""

    def __init__(self, name, net):
        self.name, self.network = name, net
        self.address, self.port = net.addresses[name], net.port_of(name)
        self.root = tempfile.mkdtemp(prefix="muxd-hosts-")
        os.chmod(self.root, 0o755)
        os.mkdir(os.path.join(self.root, "logs"))
        with open(os.path.join(self.root, "muxd.conf"), "w") as file:
            file.write(CONF.format(name=name, address=self.address, port=self.port))
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            self.network.command(self.name, MUXD, "-p", self.root, "-c", "muxd.conf"))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(DEADLINE) != 0:
            raise AssertionError("muxd left with status %d" % self.process.returncode)


class Restart(unittest.TestCase):
    def setUp(self):
        names = ("one", "two", "three")
        self.network = network(names)
        self.addCleanup(self.network.remove)
        self.hosts = [Host(name, self.network) for name in names]
        self.folder = tempfile.mkdtemp(prefix="muxd-haproxy-")
        self.port = free_port("127.0.0.1")
        with open(os.path.join(DEPLOY, "haproxy.cfg")) as file:
            text = file.read()
        for i, host in enumerate(self.hosts):
            text = text.replace("10.0.0.%d:8080" % (i + 1), "%s:%d" % (host.address, host.port))
        text = text.replace("bind :80", "bind 127.0.0.1:%d" % self.port)
        text = text.replace("inter 1s", "inter 200ms")
        path = os.path.join(self.folder, "haproxy.cfg")
        with open(path, "w") as file:
            file.write(text)
        self.haproxy = subprocess.Popen(["haproxy", "-q", "-db", "-f", path])
        for host in self.hosts:
            eventually(lambda: self.answer().startswith(host.name), host.name + " serves")

    def tearDown(self):
        self.haproxy.terminate()
        self.haproxy.wait(DEADLINE)
        for host in self.hosts:
            if host.process.poll() is None:
                host.process.send_signal(signal.SIGQUIT)
                host.process.wait(DEADLINE)
            shutil.rmtree(host.root)
        shutil.rmtree(self.folder)

    def answer(self):
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d/" % self.port, timeout=5) as got:
                return got.read().decode()
        except OSError:
            return ""

    def test_one_by_one(self):
        self.assertRegex(self.answer(), r"^\w+ 127\.0\.0\.1\n$")
        wrk = subprocess.Popen(["wrk", "-t1", "-c20", "-d3600s",
                                "http://127.0.0.1:%d/" % self.port],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for host in self.hosts * ROUNDS:
            host.stop()
            host.start()
            eventually(lambda: self.answer().startswith(host.name), host.name + " is back")
        self.assertIsNone(wrk.poll(), "the load has ended before the restarts")
        wrk.send_signal(signal.SIGINT)
        text = wrk.communicate(timeout=DEADLINE)[0].decode()
        self.assertNotIn("Socket errors", text)
        self.assertNotIn("Non-2xx", text)
        self.assertGreater(int(re.search(r"(\d+) requests in", text).group(1)), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
