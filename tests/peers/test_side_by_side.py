#!/usr/bin/env python3
"""One corpus of configurations and requests, to Debian's nginx and to muxd.

What comes back must be equal: status line, headers and their order, body, whether
the connection is kept, what is written to the access log and the error log, and what a
server behind gets, byte for byte.
Only the server's own name, Date, and the values of ETag and of multipart
boundaries are not compared. Where the two differ on purpose, the corpus says so,
with the reason; corpus.py describes its form.

The servers run one after the other in the same folder, on the same ports and with
the same configuration, so that paths, ports and times in answers are equal too.

    test_side_by_side.py              all of it
    test_side_by_side.py Static       one file of the corpus, corpus/static.txt
    test_side_by_side.py -v Static.test_12
"""
import collections
import difflib
import glob
import gzip
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import zlib

import corpus
import exchange
import recorder

MUXD = os.environ["MUXD_BINARY"]
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
HERE = os.path.dirname(os.path.abspath(__file__))
LONG_AGO = 1577934245  # when all files of the corpus were last changed

CONF = """
{user}
daemon off;
pid ROOT/pid;
error_log ROOT/logs/error.log error;
{main}
events {{ worker_connections 256; }}
http {{
    {own}
    {config}
}}
"""

# Where nginx would put temporary files, as a user that may not write to /var.
NGINX_OWN = "".join("%s_temp_path ROOT/temp/%s;" % (name, name)
                    for name in ("proxy", "fastcgi", "uwsgi", "scgi"))

# What is not compared, in any answer or log.
NAMES = [
    (rb"(<center>)(?:nginx|muxd)(?:/[\d.]+)?(</center>)", rb"\1server\2"),
    (rb"^(?:\d{4}/\d\d/\d\d \d\d:\d\d:\d\d )(\[\w+\]) \d+#\d+: ", rb"\1 "),
    (rb"\r\n--[\w.-]{16,}(?=\r\n|--\r\n)", rb"\r\n--boundary"),
]


def free_ports(count):
    """Ports below those that outgoing connections take, so that they stay free."""
    ports = []
    for port in range(20000 + os.getpid() % 10000, 32000):
        with socket.socket() as listening:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listening.bind(("127.0.0.1", port))
            except OSError:
                continue
        ports.append(str(port))
        if len(ports) == count:
            return ports
    raise AssertionError("no port is free")


class Server:
    """One of the two, in the group's folder. A context: it runs inside."""

    def __init__(self, run, program, own):
        self.run = run
        self.program = program
        self.own = own

    def __enter__(self):
        self.run.make_folder()
        group = self.run.group
        own = self.own if re.search(r"^access_log", group.config, re.M) else (
            self.own + " access_log off;")
        conf = CONF.format(user="user root;" if os.geteuid() == 0 else "", own=own,
                           main=group.main, config=group.config)
        with open(self.run.path("server.conf"), "w", encoding="utf-8") as file:
            file.write(self.run.fill(conf))
        with open(self.run.path("said"), "wb") as said:
            self.process = subprocess.Popen(
                [self.program, "-p", self.run.root + "/", "-c", "server.conf",
                 "-e", self.run.path("logs/error.log")],
                stdout=said, stderr=subprocess.STDOUT)
        try:
            self.wait()
        except BaseException:
            self.stop()
            raise
        return self

    def wait(self):
        until = time.monotonic() + exchange.DEADLINE
        while not os.path.exists(self.run.path("pid")) or not self.accepts():
            if self.process.poll() is not None or time.monotonic() > until:
                raise AssertionError("%s does not start: %s %s" % (
                    self.program, self.run.read("said"), self.run.read("logs/error.log")))
            time.sleep(0.005)

    def accepts(self):
        try:
            exchange.connect(self.run.fill("127.0.0.1:PORT")).close()
            return True
        except OSError:
            return False

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.process.send_signal(signal.SIGQUIT)
        try:
            self.process.wait(exchange.DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Run:
    """A group's requests, sent to both servers."""

    def __init__(self, group):
        self.group = group
        self.root = tempfile.mkdtemp(prefix="side-by-side-")
        os.chmod(self.root, 0o755)
        self.ports = dict(zip(("PORT", "OTHER", "UPSTREAM", "DEAD"), free_ports(4)))
        try:
            self.upstream = recorder.Recorder(self.ports["UPSTREAM"])
            self.nginx, self.nginx_logs = self.answers(NGINX, NGINX_OWN)
            self.muxd, self.muxd_logs = self.answers(MUXD, "")
        finally:
            self.upstream.close()
            shutil.rmtree(self.root)

    def path(self, name):
        return os.path.join(self.root, name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def fill(self, text):
        """Puts what the three words stand for."""
        if isinstance(text, bytes):
            return self.fill(text.decode("latin-1")).encode("latin-1")
        for word, port in self.ports.items():
            text = re.sub(r"\b%s\b" % word, port, text)
        return re.sub(r"\bROOT\b", self.root, text)

    def make_folder(self):
        """Everything anew, to the same bytes, times and names."""
        for name in os.listdir(self.root):
            path = self.path(name)
            if os.path.isdir(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)
        for name in ("logs", "temp", "html"):
            os.makedirs(self.path(name))
        for name, text in self.group.files:
            self.make_file(self.path(name), text)
        for folder, folders, files in os.walk(self.root):
            for name in folders + files + ["."]:
                os.utime(os.path.join(folder, name), (LONG_AGO, LONG_AGO), follow_symlinks=False)

    def make_file(self, path, text):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if text is None:
            os.makedirs(path, exist_ok=True)
        elif isinstance(text, tuple):
            os.symlink(self.fill(text[1]), path)
        else:
            with open(path, "wb") as file:
                file.write(self.fill(text) if b"\0" not in text else text)

    def answers(self, program, own):
        """What the server says to each request, and its log files."""
        with Server(self, program, own):
            said = [self.answer(request) for request in self.group.requests]
        logs = {name: self.read("logs/" + name) for name in os.listdir(self.path("logs"))}
        return said, logs

    def answer(self, request):
        """What comes back, whether the connection was kept, and what went upstream."""
        answer = request.answer
        self.upstream.expect(None if answer is None else self.fill(answer))
        responses, kept = exchange.exchange(self.fill(request.address), self.fill(request.raw),
                                            request.unfinished)
        return responses, kept, self.upstream.requests

    def plain(self, text):
        """Without what is not compared."""
        for pattern, instead in NAMES:
            text = re.sub(pattern, instead, text, flags=re.M)
        for mask in self.group.masks:
            text = mask.sub(b"*", text)
        return text

    def lines(self, log):
        return sorted(line for line in self.plain(log).decode("latin-1").split("\n") if line)


def plain_header(name, value):
    if name in ("Date", "Server"):
        return name, ""
    if name == "ETag":
        return name, re.sub(rb'"[^"]*"', b'"..."', value).decode("latin-1")
    return name, re.sub(rb"boundary=[\w.-]+", b"boundary=...", value).decode("latin-1")


def plain_length(name, value, response, body):
    """The length as if the body did not name the server."""
    if name == "Content-Length" and int(value) == len(response.body):
        return b"%d" % len(body)
    return value


def uncompressed(response):
    """The body: two compressors make different bytes of the same text."""
    if response.header("content-encoding") != b"gzip" or not response.body:
        return response.body
    try:
        return gzip.decompress(response.body)
    except (OSError, EOFError, zlib.error):
        return response.body  # a file that only claims to be compressed


def parts(run, answer):
    """An answer as what is compared: names of parts and their values."""
    responses, kept, upstream = answer
    yield "kept", kept
    yield "upstream", [run.plain(request) for request in upstream]
    yield "count", len(responses)
    for response in responses:
        kind = "interim" if response.interim() else "status"
        yield kind, response.status.decode("latin-1")
        body = run.plain(uncompressed(response))
        yield "headers", [plain_header(name, run.plain(plain_length(name, value, response, body)))
                          for name, value in response.headers]
        yield "body", body
        yield "body", response.trailers


def without(headers, names):
    return [(name, value) for name, value in headers if name not in names]


class SideBySide(unittest.TestCase):
    """The tests of one group; made for each file of the corpus by `load`."""
    group = None
    run_of_both = None

    @classmethod
    def setUpClass(cls):
        if NGINX is None:
            raise unittest.SkipTest("nginx is not installed (apt-get install nginx)")
        cls.run_of_both = Run(cls.group)

    def compare(self, number):
        run = self.run_of_both
        request = self.group.requests[number]
        differs = dict(request.differs)
        ours = list(parts(run, run.muxd[number]))
        theirs = list(parts(run, run.nginx[number]))
        different = {name for (name, our), (_, their) in zip(ours, theirs) if our != their}
        if "headers" in different:
            headers = self.headers_that_differ(ours, theirs)
            different |= headers or {"order"}
        for name in differs:
            self.assertIn(name, different, "listed as a difference, but equal")
        for (name, our), (_, their) in zip(ours, theirs):
            if name == "headers":
                our, their = without(our, differs), without(their, differs)
                if "order" in differs:
                    our, their = sorted(our), sorted(their)
            if name not in differs and our != their:
                self.fail("%s: muxd %r, nginx %r\n%s" % (name, our, their, self.account(number)))

    def headers_that_differ(self, ours, theirs):
        different = set()
        for (name, our), (_, their) in zip(ours, theirs):
            if name == "headers":
                our, their = collections.Counter(our), collections.Counter(their)
                different |= {header for header, _ in (our - their) + (their - our)}
        return different

    def account(self, number):
        run = self.run_of_both
        request = self.group.requests[number]
        lines = ["%s:%d: %r" % (os.path.relpath(self.group.path), request.line, request.raw[:600])]
        for name, answer in (("muxd", run.muxd[number]), ("nginx", run.nginx[number])):
            for response in answer[0]:
                lines += ["%s: %r" % (name, response.status)]
                lines += ["    %s: %r" % header for header in response.headers]
                lines += ["    %r" % response.body[:300]]
            lines += ["    kept: %s" % answer[1]]
            lines += ["    upstream: %r" % request[:600] for request in answer[2]]
        return "\n".join(lines)

    def compare_logs(self):
        """A log's lines are sorted: who leaves last writes last, and that is chance."""
        run = self.run_of_both
        self.assertEqual(sorted(run.muxd_logs), sorted(run.nginx_logs))
        difference = []
        for name, log in run.muxd_logs.items():
            difference += difflib.unified_diff(run.lines(run.nginx_logs[name]), run.lines(log),
                                               "nginx " + name, "muxd " + name, n=0, lineterm="")
        lines = [line for line in difference if not line.startswith("@@")]
        for pattern in self.group.differs:
            self.assertTrue(any(re.search(pattern, line) for line in lines),
                            "listed as a difference, but equal: " + pattern)
            lines = [line for line in lines if not re.search(pattern, line)]
        if any(not re.match(r"---|\+\+\+", line) for line in lines):
            self.fail("\n".join(lines))


def test_of(number, request):
    def test(self):
        self.compare(number)
    test.__doc__ = "%s (line %d)" % (request.name, request.line)
    return test


def load():
    """A class for each file of the corpus, with a test for each request."""
    for path in sorted(glob.glob(os.path.join(HERE, "corpus", "*.txt"))):
        group = corpus.Group(path)
        name = os.path.basename(path)[:-4].title().replace("_", "")
        tests = {"test_%03d" % number: test_of(number, request)
                 for number, request in enumerate(group.requests)}
        tests["test_logs"] = lambda self: self.compare_logs()
        globals()[name] = type(name, (SideBySide,), {"group": group, "__module__": __name__, **tests})


load()

if __name__ == "__main__":
    unittest.main(verbosity=1)
