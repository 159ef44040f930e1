#!/usr/bin/env python3
"""Real clients against the real muxd: curl, wrk, ab and headless Chromium.

MUXD_BINARY names the program, MUXD_RUN_FOLDER the folder with the shipped
configuration and welcome site (meson sets both). A client that is not installed
fails its tests: nothing is skipped."""
import hashlib
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
RUN_FOLDER = os.environ["MUXD_RUN_FOLDER"]
DEADLINE = 20  # seconds that any wait may last

CONF = """
user root;
daemon off;
worker_processes 2;
pid logs/muxd.pid;
error_log logs/error.log info;
events {{ worker_connections 2048; }}
http {{
    include mime.types;
    access_log logs/access.log;
    server {{
        listen 127.0.0.1:{port};
        listen unix:{root}/muxd.socket;
        root {root}/html;
        location = /ok {{ default_type text/plain; return 200 "200 OK\\n"; }}
        location /files/ {{ autoindex on; }}
        location /private/ {{ auth_basic private; auth_basic_user_file users; }}
        location /dav/ {{
            dav_methods PUT DELETE MKCOL COPY MOVE;
            client_max_body_size 0;
        }}
        location = /body {{
            client_max_body_size 20m;
            client_body_read on;
            default_type text/plain;
            return 200 $content_length;
        }}
    }}
}}
"""


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def run(*command, **more):
    """Runs a client to its end; fails the test when it does."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=120, **more)
    if done.returncode != 0:
        raise AssertionError("%s: exit status %d\n%s" % (
            " ".join(command), done.returncode, done.stdout.decode(errors="replace")[-3000:]))
    return done.stdout


class Muxd:
    """A running muxd in a folder of its own."""

    def __init__(self):
        self.root = tempfile.mkdtemp(prefix="muxd-peers-")
        os.chmod(self.root, 0o755)
        self.port = free_port()
        self.url = "http://127.0.0.1:%d" % self.port
        shutil.copytree(os.path.join(RUN_FOLDER, "html"), os.path.join(self.root, "html"))
        shutil.copy(os.path.join(RUN_FOLDER, "mime.types"), self.root)
        for folder in ("logs", "html/files"):
            os.makedirs(os.path.join(self.root, folder))
        self.write("html/big.bin", bytes(range(256)) * 40960)
        self.write("html/files/a name & <more>.txt", b"text")
        self.write("html/files/second.html", b"<p>second</p>")
        self.write("muxd.conf", CONF.format(root=self.root, port=self.port).encode())
        self.process = subprocess.Popen([MUXD, "-p", self.root, "-c", "muxd.conf"])
        self.wait()

    def write(self, path, data):
        with open(os.path.join(self.root, path), "wb") as file:
            file.write(data)

    def read(self, path):
        with open(os.path.join(self.root, path), "rb") as file:
            return file.read()

    def wait(self):
        until = time.monotonic() + DEADLINE
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise AssertionError("muxd does not start: %s" % self.read("logs/error.log"))

    def stop(self):
        self.process.send_signal(signal.SIGQUIT)
        status = self.process.wait(DEADLINE)
        log = self.read("logs/error.log").decode(errors="replace")
        shutil.rmtree(self.root)
        if status != 0 or re.search(r"\[(alert|emerg|crit)\]|Sanitizer", log):
            raise AssertionError("muxd left with status %d\n%s" % (status, log[-3000:]))


class Peers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.muxd = Muxd()

    @classmethod
    def tearDownClass(cls):
        cls.muxd.stop()


class Curl(Peers):
    def curl(self, *arguments):
        return run("curl", "-sS", "--max-time", "60", *arguments)

    def test_get(self):
        self.assertEqual(self.curl(self.muxd.url + "/ok"), b"200 OK\n")

    def test_whole_file(self):
        body = self.curl(self.muxd.url + "/big.bin")
        self.assertEqual(hashlib.sha256(body).digest(),
                         hashlib.sha256(self.muxd.read("html/big.bin")).digest())

    def test_range(self):
        self.assertEqual(self.curl("-r", "250-259", self.muxd.url + "/big.bin"),
                         bytes([250, 251, 252, 253, 254, 255, 0, 1, 2, 3]))

    def test_resume(self):
        part = os.path.join(self.muxd.root, "part.bin")
        whole = self.muxd.read("html/big.bin")
        with open(part, "wb") as file:
            file.write(whole[:1000003])
        self.curl("-C", "-", "-o", part, self.muxd.url + "/big.bin")
        with open(part, "rb") as file:
            self.assertEqual(file.read(), whole)

    def test_head(self):
        head = self.curl("-I", self.muxd.url + "/big.bin").decode()
        self.assertTrue(head.startswith("HTTP/1.1 200 OK\r\n"))
        self.assertIn("Content-Length: 10485760\r\n", head)
        self.assertIn("Accept-Ranges: bytes\r\n", head)

    def test_expect_100_continue(self):
        body = os.path.join(self.muxd.root, "body.bin")
        with open(body, "wb") as file:
            file.write(b"b" * 3000000)
        answer = self.curl("-v", "-H", "Expect: 100-continue", "--expect100-timeout", "30",
                           "--data-binary", "@" + body, self.muxd.url + "/body").decode()
        self.assertIn("HTTP/1.1 100 Continue", answer)
        self.assertIn("HTTP/1.1 200 OK", answer)
        self.assertIn("3000000", answer)

    def test_chunked_upload(self):
        body = os.path.join(self.muxd.root, "chunked.bin")
        with open(body, "wb") as file:
            file.write(b"c" * 300000)
        answer = self.curl("-v", "-H", "Transfer-Encoding: chunked", "--data-binary", "@" + body,
                           self.muxd.url + "/body").decode()
        self.assertIn("HTTP/1.1 200 OK", answer)

    def test_unix_socket(self):
        path = os.path.join(self.muxd.root, "muxd.socket")
        self.assertEqual(self.curl("--unix-socket", path, "http://localhost/ok"), b"200 OK\n")

    def test_conditional(self):
        saved = os.path.join(self.muxd.root, "etag")
        url = self.muxd.url + "/index.html"
        self.curl("--etag-save", saved, "-o", os.devnull, url)
        status = self.curl("--etag-compare", saved, "-o", os.devnull, "-w", "%{http_code}", url)
        self.assertEqual(status, b"304")

    def test_200_concurrent(self):
        folder = os.path.join(self.muxd.root, "many")
        os.makedirs(folder)
        codes = self.curl("--no-progress-meter", "-Z", "--parallel-immediate", "--parallel-max", "200", "-o", folder + "/#1",
                          "-w", "%{http_code}\n", self.muxd.url + "/index.html?[1-200]").split()
        self.assertEqual(codes, [b"200"] * 200)
        page = self.muxd.read("html/index.html")
        for name in os.listdir(folder):
            self.assertEqual(self.muxd.read(os.path.join("many", name)), page)


class Passwords(Peers):
    """auth_basic, with files that htpasswd writes."""

    def status(self, user, password):
        return run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-u",
                   user + ":" + password, self.muxd.url + "/private/file")

    def test_hashes(self):
        users = os.path.join(self.muxd.root, "users")
        self.muxd.write("users", b"")
        os.makedirs(os.path.join(self.muxd.root, "html/private"))
        self.muxd.write("html/private/file", b"x")
        for name, options in (("md5", "-m"), ("bcrypt", "-B"), ("sha", "-s"), ("des", "-d"),
                              ("sha256", "-2"), ("sha512", "-5")):
            for number, password in enumerate(("secret", "p\u00e4ss: word")):
                user = name + str(number)
                run("htpasswd", "-b", options, users, user, password)
                self.assertEqual(self.status(user, password), b"200", user)
                self.assertEqual(self.status(user, "other"), b"401", user)


class Dav(Peers):
    """Uploads by curl."""

    def curl(self, *more):
        return run("curl", "-sf", *more)

    def test_upload(self):
        os.makedirs(os.path.join(self.muxd.root, "html/dav"))
        url = self.muxd.url + "/dav/"
        big = os.path.join(self.muxd.root, "html/big.bin")
        self.curl("-T", big, url + "sized")
        self.curl("-T", big, "-H", "Transfer-Encoding: chunked", url + "chunked")
        self.curl("-X", "MKCOL", url + "folder/")
        self.curl("-X", "COPY", "-H", "Destination: " + url + "folder/copy", url + "sized")
        self.curl("-X", "MOVE", "-H", "Destination: " + url + "moved/", url + "folder/")
        self.curl("-X", "DELETE", url + "sized")
        digest = hashlib.sha256(self.muxd.read("html/big.bin")).digest()
        for name in ("chunked", "moved/copy"):
            self.assertEqual(hashlib.sha256(self.curl(url + name)).digest(), digest, name)
        self.assertEqual(sorted(os.listdir(os.path.join(self.muxd.root, "html/dav"))),
                         ["chunked", "moved"])


class Load(Peers):
    def wrk(self, path, *more):
        text = run("wrk", "-t1", "-c50", "-d2s", "--timeout", "60s", *more, self.muxd.url + path).decode()
        self.assertNotIn("Socket errors", text)
        self.assertNotIn("Non-2xx", text)
        self.assertGreater(int(re.search(r"(\d+) requests in", text).group(1)), 0)

    def test_wrk_fixed_answer(self):
        self.wrk("/ok")

    def test_wrk_file(self):
        self.wrk("/index.html")

    def test_wrk_large_file(self):
        self.wrk("/big.bin")

    def test_wrk_connection_per_request(self):
        self.wrk("/ok", "-H", "Connection: close")

    def ab(self, *arguments):
        text = run("ab", "-q", "-n", "5000", "-c", "50", *arguments).decode()
        self.assertRegex(text, r"Complete requests: +5000\n")
        self.assertRegex(text, r"Failed requests: +0\n")
        self.assertNotIn("Non-2xx", text)

    def test_ab(self):
        self.ab(self.muxd.url + "/index.html")

    def test_ab_keep_alive(self):
        self.ab("-k", self.muxd.url + "/index.html")


class Browser(Peers):
    def chromium(self, url):
        profile = tempfile.mkdtemp(prefix="muxd-chromium-")
        try:
            return run("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
                       "--no-first-run", "--disable-background-networking",
                       "--disable-component-update", "--disable-sync",
                       "--user-data-dir=" + profile, "--dump-dom", url).decode(errors="replace")
        finally:
            shutil.rmtree(profile, ignore_errors=True)

    def test_welcome_site(self):
        dom = self.chromium(self.muxd.url + "/")
        self.assertIn("<h1", dom)
        self.assertIn("muxd", dom)
        until = time.monotonic() + DEADLINE
        while b"GET /style.css" not in self.muxd.read("logs/access.log"):
            self.assertLess(time.monotonic(), until)
            time.sleep(0.05)
        self.assertRegex(self.muxd.read("logs/access.log"),
                         rb'"GET /style.css HTTP/1.1" (200|304)')

    def test_autoindex_page(self):
        dom = self.chromium(self.muxd.url + "/files/")
        self.assertIn("Index of /files/", dom)
        self.assertIn("a%20name%20%26%20%3Cmore%3E.txt", dom)
        self.assertIn("second.html", dom)


if __name__ == "__main__":
    unittest.main(verbosity=2)
