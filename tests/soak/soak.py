"""What the long tests share: a muxd of their own, clients that load it, and the account of
what they have seen."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
DEADLINE = 30  # seconds that any one wait may last


def free_ports(count):
    """Ports below those that the kernel gives to clients, that nobody listens on."""
    found = []
    for port in range(11000 + os.getpid() % 19000, 32000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found.append(port)
        if len(found) == count:
            return found
    sys.exit("no free ports")


def wait_for(condition, what):
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"never happened: {what}")
        time.sleep(0.005)


class Server:
    """A muxd in a folder of its own; `conf` is called for the text of its configuration."""

    def __init__(self, binary, conf):
        self.binary = os.path.abspath(binary)
        self.folder = tempfile.mkdtemp(prefix="muxd-soak-")
        os.chmod(self.folder, 0o755)
        for name in ("logs", "a", "b"):
            os.mkdir(self.path(name))
        for root in ("a", "b"):
            with open(self.path(root, "page.html"), "w") as page:
                page.write(root * 1000)
        self.configure(conf)
        self.process = None

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def configure(self, conf):
        with open(self.path("muxd.conf"), "w") as file:
            file.write(f"daemon off;\npid {self.path('logs/muxd.pid')};\n"
                       f"error_log {self.path('logs/error.log')} notice;\n" + conf)

    def arguments(self, *more):
        return [self.binary, "-p", self.folder, "-c", self.path("muxd.conf"), *more]

    def start(self):
        self.process = subprocess.Popen(self.arguments())
        wait_for(lambda: os.path.exists(self.path("logs/muxd.pid")), "the server starts")

    def pid(self):
        with open(self.path("logs/muxd.pid")) as file:
            return int(file.read())

    def command(self, word):
        return subprocess.run(self.arguments("-s", word), capture_output=True, text=True)

    def workers(self):
        """The processes of the workers."""
        with open(f"/proc/{self.pid()}/task/{self.pid()}/children") as file:
            return [int(pid) for pid in file.read().split()]

    def totals(self):
        """What has been counted since the start, by name and labels, as the master tells."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(DEADLINE)
            control.connect(self.path("logs/muxd.sock"))
            control.sendall(b"status\n")
            control.shutdown(socket.SHUT_WR)
            text = b"".join(iter(lambda: control.recv(65536), b"")).decode()
        return {name: float(value) for name, value in re.findall(
            r"^out (muxd_\w+_(?:total|count|sum)(?:{[^\n]*})?) (\S+)$", text, re.M)
                if not name.startswith(("muxd_worker_", "muxd_listener_"))}

    def log(self):
        with open(self.path("logs/error.log"), errors="replace") as file:
            return file.read()

    def stop(self):
        os.kill(self.pid(), signal.SIGQUIT)
        wait_for(lambda: not os.path.exists(self.path("logs/muxd.pid")), "the server leaves")
        self.process.wait()
        bad = re.findall(r"^.*\[(?:alert|emerg|crit)\].*$", self.log(), re.M)
        for line in bad[:10]:
            print("in the log:", line)
        shutil.rmtree(self.folder)
        return not bad


class Totals:
    """What a server has counted, which never becomes less."""

    def __init__(self, server):
        self.server, self.last, self.fallen = server, {}, []

    def follow(self):
        now = self.server.totals()
        self.fallen += [f"{name}: {value} to {now.get(name)}" for name, value in self.last.items()
                        if now.get(name, 0) < value]
        self.last = now

    def finish(self):
        self.follow()
        print(f"counted: {self.last['muxd_requests_total']:.0f} requests,",
              "and fell: " + ", ".join(self.fallen[:5]) if self.fallen else "nothing fell")
        return not self.fallen


class Connects:
    """Clients with a connection for each request (connect.c)."""

    program = None

    def __init__(self, port, path, processes, optional=False):
        if Connects.program is None:
            Connects.program = os.path.join(tempfile.mkdtemp(prefix="muxd-soak-"), "connect")
            subprocess.run([os.environ.get("CC", "cc"), "-O2", "-D_GNU_SOURCE", "-o",
                            Connects.program, os.path.join(HERE, "connect.c")], check=True)
        self.name = f"a connection a request, port {port}{', which comes and goes' * optional}"
        self.process = subprocess.Popen(
            [Connects.program, f"127.0.0.1:{port}", path, str(processes)]
            + ["optional"] * optional, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def finish(self):
        """Prints the account; True when nothing failed."""
        line = self.process.communicate("")[0].strip()
        print(f"{self.name}: {line}")
        words = line.split()
        return int(words[1]) > 0 and int(words[5]) == 0


class Wrk:
    """wrk with kept-alive connections."""

    def __init__(self, port, path, connections):
        self.process = subprocess.Popen(
            ["wrk", "-t1", f"-c{connections}", "-d3600s", f"http://127.0.0.1:{port}{path}"],
            stdout=subprocess.PIPE, text=True)

    def finish(self):
        self.process.send_signal(signal.SIGINT)
        text = self.process.communicate()[0]
        requests = re.search(r"(\d+) requests in", text)
        errors = re.search(r"Socket errors:.*", text)
        wrong = re.search(r"Non-2xx.*", text)
        said = " ".join(match.group().strip() for match in (errors, wrong) if match)
        print(f"wrk, kept alive: requests {requests.group(1)} {said or 'no errors'}")
        return int(requests.group(1)) > 0 and not said
