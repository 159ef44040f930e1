"""What the measuring programs share: servers on free ports, what loads them, and the processor
time used.

Each server runs on processor 0; wrk, or load.c, on processor 1."""
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SERVER_CPU, CLIENT_CPU = "0", "1"
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


class Server:
    """One server program, started on a free port, with the processor time it has used."""

    def __init__(self, name, command, port):
        self.name, self.port = name, port
        self.log = open(os.devnull, "w")
        self.process = subprocess.Popen(
            ["taskset", "-c", SERVER_CPU] + command, stdout=self.log, stderr=subprocess.STDOUT)
        self.wait_until_it_answers()

    def wait_until_it_answers(self):
        for _ in range(5000):
            try:
                if self.has_answered():
                    return
            except OSError:
                pass
            time.sleep(0.002)
        self.stop()
        sys.exit("%s does not start" % self.name)

    def has_answered(self):
        """A listening socket alone accepts before there is a worker: a request does not lie."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as client:
            client.sendall(b"GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return client.recv(1) != b""

    def processes(self):
        pids, found = [self.process.pid], []
        while pids:
            pid = pids.pop()
            found.append(pid)
            try:
                with open("/proc/%d/task/%d/children" % (pid, pid)) as children:
                    pids += [int(child) for child in children.read().split()]
            except OSError:
                pass
        return found

    def cpu_seconds(self):
        ticks = 0
        for pid in self.processes():
            with open("/proc/%d/stat" % pid) as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / TICKS

    def private_bytes(self):
        """Private memory of the workers (of the only process, where there are none)."""
        pids = self.processes()
        total = 0
        for pid in pids[1:] or pids:
            with open("/proc/%d/smaps_rollup" % pid) as rollup:
                total += sum(int(line.split()[1]) for line in rollup
                             if line.startswith("Private_"))
        return total * 1024

    def stop(self):
        """Once or more often."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()
        self.log.close()


def wrk(server, path, connections, seconds, more=()):
    """Requests a second, and the server's processor time for each, in microseconds."""
    before = server.cpu_seconds()
    output = subprocess.run(
        ["taskset", "-c", CLIENT_CPU, "wrk", "-t1", "-c%d" % connections, "-d%gs" % seconds,
         *more, "http://127.0.0.1:%d%s" % (server.port, path)],
        check=True, capture_output=True, text=True).stdout
    spent = server.cpu_seconds() - before
    if "Non-2xx" in output or "Socket errors" in output:
        print("%s, %s:\n%s" % (server.name, path, output), file=sys.stderr)
    requests = int(re.search(r"(\d+) requests in", output).group(1))
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", output).group(1))
    return rate, spent / requests * 1e6


def compile_program(folder, name):
    """One of the C programs here: its path in the folder."""
    program = os.path.join(folder, name)
    subprocess.check_call(["cc", "-O2", "-D_GNU_SOURCE", "-o", program,
                           os.path.join(HERE, name + ".c")])
    return program


def load(program, server, path, connections, active, seconds, stay=1, depth=1):
    """What wrk gives, under load.c (the compiled program): which says what the numbers mean."""
    client = subprocess.Popen(
        ["taskset", "-c", CLIENT_CPU, program, str(server.port), path, str(connections),
         str(active), str(stay), str(depth), str(seconds)], stdout=subprocess.PIPE, text=True)
    client.stdout.readline()  # all are connected
    before = server.cpu_seconds()
    line = client.stdout.readline()
    spent = server.cpu_seconds() - before
    if client.wait() != 0:
        sys.exit("%s: load.c failed" % server.name)
    requests, took = re.match(r"(\d+) requests in ([\d.]+) s", line).groups()
    return int(requests) / float(took), spent / int(requests) * 1e6


def allow_descriptors():
    """As many as the system lets this process have: for thousands of connections."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))


def idle_client(port):
    """A kept-alive connection that has made a request."""
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(b"GET /ok HTTP/1.1\r\nHost: localhost\r\n\r\n")
    answer = client.recv(4096)
    if not answer.startswith(b"HTTP/1.1 200"):
        sys.exit("idle: unexpected answer %r" % answer)
    return client
