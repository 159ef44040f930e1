#!/usr/bin/env python3
"""Real servers behind the real muxd: python3's http.server, nginx, a WebSocket echo server
of Node, php-fpm, a uWSGI application and an SCGI server.

Each is started in one folder and, where it can, on a unix socket there. A server that is not
installed fails its tests: nothing is skipped."""
import glob
import hashlib
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import websocket_client

MUXD = os.environ["MUXD_BINARY"]
HERE = os.path.dirname(os.path.abspath(__file__))
CONF_FOLDER = os.path.join(HERE, "../../conf")
DEADLINE = 30  # seconds that any wait may last
SIZE = 3 << 20  # bytes of a large body

CONF = """
{user}
daemon off;
worker_processes 2;
pid logs/muxd.pid;
error_log logs/error.log info;
events {{ worker_connections 512; }}
http {{
    include mime.types;
    access_log off;
    client_max_body_size 20m;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
    upstream nginx {{ server unix:{root}/nginx.socket; keepalive 8; }}
    upstream php {{ server unix:{root}/php.socket; keepalive 4; }}
    fastcgi_cache_path {root}/cache levels=1 keys_zone=pages:1m;
    fastcgi_cache_key $request_method$request_uri;
    server {{
        listen 127.0.0.1:{port};
        root {root}/html;
        location /python/ {{ proxy_pass http://127.0.0.1:{python}/; include proxy_params; }}
        location /nginx/ {{
            proxy_pass http://nginx/;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
        location /unbuffered/ {{
            proxy_pass http://nginx/;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
            proxy_request_buffering off;
        }}
        location /socket/ {{
            proxy_pass http://unix:{root}/node.socket:;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
        }}
        location ~ [.]php(/|$) {{
            include snippets/fastcgi-php.conf;
            fastcgi_pass php;
            fastcgi_keep_conn on;
        }}
        location /folder/ {{
            include fastcgi.conf;
            fastcgi_index page.php;
            fastcgi_pass php;
            fastcgi_keep_conn on;
        }}
        location = /caught {{
            include fastcgi.conf;
            fastcgi_param SCRIPT_FILENAME {root}/html/page.php;
            fastcgi_pass php;
            fastcgi_keep_conn on;
            fastcgi_catch_stderr "php says no";
        }}
        location = /cached {{
            include fastcgi.conf;
            fastcgi_param SCRIPT_FILENAME {root}/html/cached.php;
            fastcgi_pass php;
            fastcgi_keep_conn on;
            fastcgi_cache pages;
            fastcgi_cache_revalidate on;
            fastcgi_cache_valid 200 1h;
            add_header X-Cache $upstream_cache_status;
        }}
        location = /closed {{
            include fastcgi.conf;
            fastcgi_param SCRIPT_FILENAME {root}/html/page.php;
            fastcgi_pass unix:{root}/php.socket;
        }}
        location = /streamed_php {{
            include fastcgi.conf;
            fastcgi_param SCRIPT_FILENAME {root}/html/page.php;
            fastcgi_pass php;
            fastcgi_keep_conn on;
            fastcgi_request_buffering off;
        }}
        location /streamed_uwsgi {{
            uwsgi_pass unix:{root}/uwsgi.socket;
            include uwsgi_params;
            uwsgi_request_buffering off;
        }}
        location /streamed_scgi {{
            scgi_pass unix:{root}/scgi.socket;
            include scgi_params;
            scgi_request_buffering off;
        }}
        location /uwsgi/ {{
            uwsgi_pass unix:{root}/uwsgi.socket;
            include uwsgi_params;
        }}
        location /scgi/ {{
            scgi_pass unix:{root}/scgi.socket;
            include scgi_params;
        }}
    }}
}}
"""

NGINX_CONF = """
{user}
daemon off;
pid {root}/nginx.pid;
error_log {root}/logs/nginx.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_max_body_size 20m;
    client_body_temp_path {root}/temp;
    {temp}
    server {{
        listen unix:{root}/nginx.socket;
        root {root}/html;
        location = /echo {{ proxy_pass http://unix:{root}/nginx.socket:/taken; }}
        location = /taken {{
            add_header X-Length $http_content_length;
            add_header X-Host $http_host;
            return 200 "taken";
        }}
    }}
}}
"""

PHP_CONF = """
[global]
error_log = {root}/logs/php.log
[www]
{user}
listen = {root}/php.socket
pm = static
pm.max_children = 6
catch_workers_output = no
"""

PHP = b"""<?php
if (isset($_GET["fail"])) { error_log("php says no"); http_response_code(503); }
header("X-Method: " . $_SERVER["REQUEST_METHOD"]);
header("X-Path: " . ($_SERVER["PATH_INFO"] ?? ""));
header("X-Script: " . $_SERVER["SCRIPT_NAME"]);
header("X-Protocol: " . $_SERVER["SERVER_PROTOCOL"]);
if (isset($_GET["large"])) { echo str_repeat("0123456789abcdef", (int)$_GET["large"]); exit; }
echo md5(file_get_contents("php://input")), " ", $_GET["a"] ?? "", " ", $_COOKIE["c"] ?? "";
"""

# Each run says something else, and how long that is good.
CACHED = b"""<?php
if (isset($_GET["cookie"])) { setcookie("a", "b"); }
if (isset($_GET["old"])) { header("X-Accel-Expires: @1"); }
header("ETag: \\"e\\"");
header("Accept-Ranges: bytes");
if (isset($_SERVER["HTTP_IF_NONE_MATCH"])) {
    http_response_code(304);
    header("X-Accel-Expires: 60");
    exit;
}
echo str_repeat(uniqid("", true), (int)($_GET["times"] ?? 1));
"""

UWSGI = b"""
import hashlib

def application(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("201 Made", [("Content-Type", "text/plain"),
                                ("X-Path", environ["PATH_INFO"]),
                                ("X-Query", environ["QUERY_STRING"])])
    return [hashlib.md5(body).hexdigest().encode()]
"""


def eventually(condition, what):
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("never happened: " + what)
        time.sleep(0.02)


def accepts(path):
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(path)
            return True
        except OSError:
            return False


def program(*names):
    """The first of the programs that is installed."""
    for name in names:
        for folder in os.environ["PATH"].split(":") + ["/usr/sbin"]:
            found = sorted(glob.glob(os.path.join(folder, name)))
            if found:
                return found[-1]
    raise AssertionError("not installed: " + names[0])


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


class Servers:
    """muxd, and all that is behind it."""

    def __init__(self):
        self.root = tempfile.mkdtemp(prefix="muxd-up-")
        os.chmod(self.root, 0o755)
        self.port, self.python = free_port(), free_port()
        self.running = []
        try:
            self.write_files()
            self.start_all()
        except BaseException:
            self.stop()
            raise

    def path(self, name):
        return os.path.join(self.root, name)

    def write(self, name, data):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as file:
            file.write(data)

    def write_files(self):
        is_root = os.geteuid() == 0
        for folder in ("logs", "temp"):
            os.mkdir(self.path(folder))
        for name in ("mime.types", "fastcgi.conf", "proxy_params", "uwsgi_params", "scgi_params"):
            shutil.copy(os.path.join(CONF_FOLDER, name), self.root)
        shutil.copytree(os.path.join(CONF_FOLDER, "snippets"), self.path("snippets"))
        user = "user root;" if is_root else ""
        names = {"root": self.root, "port": self.port, "python": self.python}
        temp = "".join("%s_temp_path %s/temp-%s; " % (name, self.root, name)
                       for name in ("proxy", "fastcgi", "uwsgi", "scgi"))
        self.write("muxd.conf", CONF.format(user=user, **names).encode())
        self.write("nginx.conf", NGINX_CONF.format(user=user, temp=temp, **names).encode())
        self.write("php.conf", PHP_CONF.format(
            user="user = root\ngroup = root" if is_root else "", **names).encode())
        self.write("html/page.php", PHP)
        self.write("html/folder/page.php", PHP)
        self.write("html/cached.php", CACHED)
        self.write("html/small.txt", b"small")
        self.write("html/large.bin", os.urandom(SIZE))
        self.write("application.py", UWSGI)

    def start(self, *command):
        with open(self.path("logs/said"), "ab") as said:
            process = subprocess.Popen(command, cwd=self.root, stdout=said, stderr=said,
                                       stdin=subprocess.DEVNULL)
        self.running.append(process)
        return process

    def start_all(self):
        php = [program("php-fpm", "php-fpm[0-9]*"), "-F", "-n", "-y", "php.conf"]
        self.start(*php, *(["-R"] if os.geteuid() == 0 else []))
        self.start(program("uwsgi_python3", "uwsgi"), "--socket", "uwsgi.socket", "--wsgi-file",
                   "application.py", "--plugins", "python3", "--master", "--die-on-term")
        self.start(sys.executable, os.path.join(HERE, "scgi_server.py"), "scgi.socket")
        self.start(program("node", "nodejs"), os.path.join(HERE, "websocket_echo.js"),
                   "node.socket")
        self.start(program("nginx"), "-p", self.root + "/", "-c", self.path("nginx.conf"),
                   "-e", self.path("logs/nginx.log"))
        self.start(sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory",
                   self.path("html"), str(self.python))
        for name in ("php", "uwsgi", "scgi", "node", "nginx"):
            eventually(lambda name=name: accepts(self.path(name + ".socket")),
                       "%s accepts\n%s" % (name, self.read("logs/said")))
        self.muxd = self.start(MUXD, "-p", self.root, "-c", "muxd.conf")
        for port in (self.python, self.port):
            eventually(lambda port=port: self.accepts_port(port), "port %d" % port)

    @staticmethod
    def accepts_port(port):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except OSError:
            return False

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read().decode(errors="replace")

    def ask(self, path, method="GET", body=None, headers=()):
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        client.request(method, path, body, dict(headers))
        response = client.getresponse()
        data = response.read()
        client.close()
        return response, data

    def stop(self):
        for process in reversed(self.running):
            process.send_signal(signal.SIGQUIT if process is getattr(self, "muxd", None)
                                else signal.SIGTERM)
        for process in reversed(self.running):
            try:
                process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        log = self.read("logs/error.log") if hasattr(self, "muxd") else ""
        shutil.rmtree(self.root)
        if re.search(r"\[(alert|emerg|crit)\]|Sanitizer", log):
            raise AssertionError(log[-3000:])


class Applications(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.servers = Servers()

    @classmethod
    def tearDownClass(cls):
        cls.servers.stop()

    def expect_large(self, data):
        with open(self.servers.path("html/large.bin"), "rb") as file:
            self.assertEqual(hashlib.md5(data).digest(), hashlib.md5(file.read()).digest())

    def test_python(self):
        response, data = self.servers.ask("/python/small.txt")
        self.assertEqual((response.status, data), (200, b"small"))
        self.expect_large(self.servers.ask("/python/large.bin")[1])
        self.assertEqual(self.servers.ask("/python/none")[0].status, 404)
        response, data = self.servers.ask("/python/small.txt", "HEAD")
        self.assertEqual((response.status, response.headers["Content-Length"], data),
                         (200, "5", b""))

    def test_nginx(self):
        for place in ("/nginx/", "/unbuffered/"):
            response, data = self.servers.ask(place + "small.txt")
            self.assertEqual((response.status, data), (200, b"small"))
            self.expect_large(self.servers.ask(place + "large.bin")[1])
            response, data = self.servers.ask(place + "large.bin", headers={"Range": "bytes=5-9"})
            self.assertEqual((response.status, len(data)), (206, 5))
            response, data = self.servers.ask(place + "taken", "POST", b"x" * SIZE)
            self.assertEqual((data, response.headers["X-Length"], response.headers["X-Host"]),
                             (b"taken", str(SIZE), "nginx"))

    def test_websocket(self):
        with websocket_client.WebSocket(self.servers.port, "/socket/") as client:
            for text in (b"hello", b"x" * 70000, b""):
                client.send(text)
                self.assertEqual(client.receive(), text)

    def test_php(self):
        response, data = self.servers.ask("/page.php?a=1", headers={"Cookie": "c=2"})
        self.assertEqual((response.status, data), (200, hashlib.md5(b"").hexdigest().encode()
                                                   + b" 1 2"))
        self.assertEqual((response.headers["X-Script"], response.headers["X-Path"],
                          response.headers["X-Protocol"]), ("/page.php", "", "HTTP/1.1"))
        body = os.urandom(SIZE)
        response, data = self.servers.ask("/page.php/more/of%20it", "POST", body)
        self.assertEqual(response.headers["X-Path"], "/more/of it")
        self.assertEqual(data.split()[0].decode(), hashlib.md5(body).hexdigest())
        response, data = self.servers.ask("/page.php?large=%d" % (SIZE // 16))
        self.assertEqual(data, b"0123456789abcdef" * (SIZE // 16))
        response, data = self.servers.ask("/page.php", "HEAD")
        self.assertEqual((response.headers["X-Method"], data), ("HEAD", b""))
        self.assertEqual(self.servers.ask("/none.php")[0].status, 404)

    def connections(self, path):
        """The inodes of the connections that a unix socket's server has accepted."""
        with open("/proc/net/unix", encoding="ascii") as table:
            rows = [line.split() for line in table]
        return {row[6] for row in rows
                if len(row) == 8 and row[5] == "03" and row[7] == self.servers.path(path)}

    def test_php_keeps_connections(self):
        client = http.client.HTTPConnection("127.0.0.1", self.servers.port, timeout=DEADLINE)

        def ask(path):
            client.request("GET", path)
            return client.getresponse().read()
        ask("/page.php")
        kept = self.connections("php.socket")
        self.assertNotEqual(kept, set())
        for number in range(10):
            self.assertIn(b" %d " % number, ask("/page.php?a=%d" % number))
        self.assertEqual(self.connections("php.socket"), kept)
        ask("/closed")
        eventually(lambda: self.connections("php.socket") == kept, "it is closed")
        client.close()

    def test_php_index(self):
        response, _ = self.servers.ask("/folder/")
        self.assertEqual((response.status, response.headers["X-Script"]),
                         (200, "/folder/page.php"))

    def test_php_cache(self):
        def ask(path, **more):
            response, data = self.servers.ask("/cached" + path, **more)
            return response.status, response.headers["X-Cache"], data
        for path in ("", "?times=20", "?times=5000"):
            status, state, data = ask(path)
            self.assertEqual((status, state), (200, "MISS"))
            self.assertEqual(ask(path), (200, "HIT", data))
            self.assertEqual(ask(path, headers={"Range": "bytes=3-6"}), (206, "HIT", data[3:7]))
            self.assertEqual(ask(path, headers={"If-None-Match": '"e"'}), (304, "HIT", b""))
        self.assertEqual([ask("?cookie")[1] for _ in range(2)], ["MISS", "MISS"])
        self.assertEqual(ask("?post", method="POST", body=b"x")[1], None)
        data = ask("?old")[2]
        self.assertEqual(ask("?old"), (200, "REVALIDATED", data))
        self.assertEqual(ask("?old"), (200, "HIT", data))

    def test_bodies_that_are_not_buffered(self):
        body = os.urandom(SIZE)
        digest = hashlib.md5(body).hexdigest()
        for path in ("/streamed_php", "/streamed_uwsgi", "/streamed_scgi"):
            for parts in (body, iter([body[:70000], body[70000:70001], body[70001:]])):
                data = self.servers.ask(path, "POST", parts)[1]
                self.assertEqual(data.split()[0].decode(), digest, path)

    def test_php_says_what_is_caught(self):
        self.assertEqual(self.servers.ask("/caught?a=1")[0].status, 200)
        self.assertEqual(self.servers.ask("/caught?fail")[0].status, 502)

    def test_php_says_what_is_wrong(self):
        self.assertEqual(self.servers.ask("/page.php?fail")[0].status, 503)
        eventually(lambda: "php says no" in self.servers.read("logs/error.log"), "it is logged")

    def test_uwsgi(self):
        body = os.urandom(SIZE)
        response, data = self.servers.ask("/uwsgi/a%20b?c=d", "POST", body)
        self.assertEqual((response.status, response.reason), (201, "Made"))
        self.assertEqual((response.headers["X-Path"], response.headers["X-Query"]),
                         ("/uwsgi/a b", "c=d"))
        self.assertEqual(data.decode(), hashlib.md5(body).hexdigest())
        self.assertEqual(self.servers.ask("/uwsgi/", "HEAD")[1], b"")

    def test_scgi(self):
        body = os.urandom(SIZE)
        response, data = self.servers.ask("/scgi/a?b", "POST", body, {"X-A": "b"})
        self.assertEqual((response.status, response.headers["X-Query"], response.headers["X-A"]),
                         (203, "b", "b"))
        self.assertEqual(data.decode(), hashlib.md5(body).hexdigest())


if __name__ == "__main__":
    unittest.main(verbosity=1)
