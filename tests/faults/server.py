"""The real muxd with the library before it: its configuration, which has every way to answer,
its folder, and what can be seen of its processes from outside."""
import getpass
import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import scripted
from plan import Plan

DEADLINE = 10  # seconds that any wait may last
SMALL = b"a small file\n"
LARGE = bytes((i * 7 + i // 251) & 255 for i in range(300000))
PAGE = b"<html><head><title>words</title></head><body>" + b"one two three " * 600 + b"</body></html>"

CONF = """
user {user};
daemon off;
worker_processes {workers};
pid {root}/pid;
error_log {root}/error.log {level};
worker_shutdown_timeout 10s;
sandbox {sandbox};
events {{ worker_connections 200; use {loop}; }}
http {{
    include {root}/types;
    types {{ text/html html; text/plain txt; }}
    log_format f '$remote_addr $request $status $body_bytes_sent $request_time $upstream_addr';
    access_log {root}/access.log f;
    client_body_temp_path {root}/temp/body;
    proxy_temp_path {root}/temp/proxy; fastcgi_temp_path {root}/temp/fastcgi;
    scgi_temp_path {root}/temp/scgi; uwsgi_temp_path {root}/temp/uwsgi;
    proxy_cache_path {root}/temp/cache levels=1:2 keys_zone=pages:1m inactive=1h;
    limit_req_zone $binary_remote_addr zone=requests:1m rate=100000r/s;
    limit_conn_zone $binary_remote_addr zone=connections:1m;
    map $arg_word $mapped {{ default none; ~^(?<letter>[a-z])x $letter; known yes; }}
    split_clients $arg_n $part {{ 100% all; }}
    upstream one {{ server 127.0.0.1:{http} max_fails=0; keepalive 4; }}
    upstream checked {{ zone checked 64k; server 127.0.0.1:{http}; }}
    upstream several {{
        zone several 256k; least_conn; sticky cookie at;
        server unix:{root}/nobody max_fails=0; server 127.0.0.1:{http} max_fails=0 max_conns=50;
        queue 10 timeout=2s;
    }}
    sendfile on;
    root {root}/html;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_buffers 4 4k;
    proxy_buffer_size 4k;
    proxy_busy_buffers_size 8k;
    proxy_cache_key $scheme$proxy_host$request_uri;

    server {{
        listen 127.0.0.1:{port};
        listen 127.0.0.1:{proxied_port} proxy_protocol;
        listen unix:{root}/socket;
        set_real_ip_from 127.0.0.1;
        real_ip_header proxy_protocol;
        location = /ok {{ return 200 "yes {version}\\n"; }}
        location = /after {{ return 200 "after\\n"; }}
        location = /made {{ return 200 "$request_method $mapped $part $host $arg_word\\n"; }}
        location /moved {{ return 301 /ok; }}
        location /files/ {{ alias {root}/html/; }}
        location /plain/ {{ alias {root}/html/; sendfile off; output_buffers 2 8k; }}
        location /list/ {{ alias {root}/html/list/; autoindex on; }}
        location /list-json/ {{ alias {root}/html/list/; autoindex on; autoindex_format json; }}
        location /index/ {{ alias {root}/html/index/; index none.html index.html; }}
        location /try/ {{ root {root}/html; try_files $uri.none $uri.txt /ok; }}
        location /try-any/ {{ root {root}/html; try_files /secret.txt /none.txt =404; }}
        location /links/ {{ alias {root}/html/; disable_symlinks on; }}
        location /missing {{ error_page 404 /error.txt; }}
        location /gzip/ {{ alias {root}/html/; gzip on; gzip_types *; gzip_min_length 10; }}
        location /static/ {{ alias {root}/html/; gzip_static on; }}
        location /sub/ {{ alias {root}/html/; sub_filter two TWO; sub_filter_once off; }}
        location /add/ {{ alias {root}/html/; addition_types *; add_before_body /ok;
                         add_after_body /proxy/fixed; }}
        location /charset/ {{ alias {root}/html/; charset utf-8; }}
        location /rewrite/ {{ rewrite ^/rewrite/(.*)\\.(.*)$ /files/$1.$2 last; }}
        location /basic/ {{ alias {root}/html/; auth_basic a; auth_basic_user_file {root}/users; }}
        location /asked/ {{ alias {root}/html/; auth_request /ask-yes;
                           auth_request_set $who $upstream_http_x_user; add_header X-Who $who; }}
        location /refused/ {{ alias {root}/html/; auth_request /ask-no; }}
        location = /ask-yes {{ internal; proxy_pass http://one/yes; proxy_pass_request_body off;
                              proxy_set_header Content-Length ""; }}
        location = /ask-no {{ internal; proxy_pass http://one/no; }}
        location /denied/ {{ alias {root}/html/; deny all; }}
        location /limits/ {{ alias {root}/html/; limit_req zone=requests burst=1000 nodelay;
                            limit_conn connections 100; limit_rate 100m; }}
        location /proxy/ {{ proxy_pass http://one/; }}
        location /new/ {{ proxy_pass http://127.0.0.1:{http}/; proxy_set_header Connection close; }}
        location /direct/ {{ proxy_pass http://one/; proxy_buffering off;
                            proxy_request_buffering off; }}
        location /spooled/ {{ proxy_pass http://one/; client_body_in_file_only clean; }}
        location /gunzip/ {{ proxy_pass http://one/; gunzip on; }}
        location /balanced/ {{ proxy_pass http://several/; }}
        location /cache/ {{ proxy_pass http://one/; proxy_cache pages;
                           proxy_cache_lock on; proxy_cache_use_stale error updating;
                           add_header X-Cache-Status $upstream_cache_status; }}
        location /stored/ {{ proxy_pass http://one/fixed; proxy_store {root}/temp/stored/$arg_n; }}
        location /named/ {{ resolver 127.0.0.1:{names} ipv6=off; resolver_timeout 1s;
                           set $name some.example;
                           proxy_pass http://$name:{http}/fixed; }}
        location /fastcgi/ {{ fastcgi_pass unix:{root}/fastcgi; fastcgi_keep_conn on;
                             include {root}/parameters; }}
        location /scgi/ {{ scgi_pass unix:{root}/scgi; {scgi} }}
        location /uwsgi/ {{ uwsgi_pass unix:{root}/uwsgi; {uwsgi} }}
        location /mirrored/ {{ mirror /copy; alias {root}/html/; }}
        location = /copy {{ internal; proxy_pass http://one/echo; }}
        location = /mirrored-body {{ mirror /copy; proxy_pass http://one/echo; }}
        location /checked/ {{ proxy_pass http://checked/;
                             health_check uri=/yes interval=1h; }}
        location /told/ {{ alias {root}/html/; error_log syslog:server=unix:{root}/syslog info;
                          access_log syslog:server=unix:{root}/syslog,tag=faults f; }}
        location = /who {{ return 200 "$remote_addr $proxy_protocol_addr\n"; }}
        location = /tunnel {{ proxy_pass http://one/tunnel; proxy_set_header Upgrade $http_upgrade;
                             proxy_set_header Connection upgrade; }}
        location /dav/ {{ alias {root}/dav/; create_full_put_path on; client_max_body_size 1m;
                         dav_methods PUT DELETE MKCOL COPY MOVE; }}
        location /logged/ {{ alias {root}/html/; access_log {root}/logs/$arg_n.log f;
                            access_log {root}/buffered.log f buffer=1k flush=100ms; }}
        location = /status {{ status json; access_log off; }}
        location = /page {{ status html; }}
        location = /metrics {{ status prometheus; }}
        location = /healthz {{ healthz; }}
        location = /gif {{ empty_gif; }}
    }}
}}
"""


def free_port(first=11000 + os.getpid() * 7 % 19000):
    """A port below those that the kernel gives to clients, that nobody listens on."""
    for port in range(first, 32000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass
    raise SystemExit("no port is free")


def wait_for(condition, what):
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"never happened: {what}")
        time.sleep(0.001)


def sanitizer_of(binary):
    """The runtime that the program must be started with, or None."""
    libraries = subprocess.run(["ldd", binary], capture_output=True, text=True).stdout
    found = re.search(r"libasan\S* => (\S+)", libraries)
    return found and found[1]


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


class World:
    """What a server needs around it: a folder with files, and upstream servers."""

    def __init__(self):
        self.root = tempfile.mkdtemp(prefix="muxd-faults-")
        os.chmod(self.root, 0o755)
        self.port = free_port()
        self.proxied_port = free_port(self.port + 1)
        self.numbers = itertools.count(10**6)  # of requests, all of as many digits
        self.files()
        self.http = scripted.start(scripted.serve_http)
        self.names = scripted.start_names()
        scripted.start_sink(self.path("syslog"))
        for name, serve in (("fastcgi", scripted.serve_fastcgi), ("scgi", scripted.serve_scgi),
                            ("uwsgi", scripted.serve_uwsgi)):
            scripted.start(serve, self.path(name))

    def path(self, *names):
        return os.path.join(self.root, *names)

    def write(self, name, data):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as file:
            file.write(data)

    def files(self):
        for folder in ("temp", "logs", "dav", "html/list/folder"):
            os.makedirs(self.path(folder))
        for name in ("small.txt", "try/here.txt", "secret.txt", "index/index.html", "list/a",
                     "list/b"):
            self.write("html/" + name, SMALL)
        self.write("html/large.bin", LARGE)
        self.write("html/page.html", PAGE)
        self.write("html/error.txt", b"an error of our own\n")
        self.write("html/packed.txt", SMALL)
        self.write("html/packed.txt.gz", __import__("gzip").compress(SMALL, mtime=0))
        os.symlink("small.txt", self.path("html/link.txt"))
        for folder, _, names in os.walk(self.path("html")):
            for name in names:
                if name != "link.txt":
                    os.utime(os.path.join(folder, name), (10**9, 10**9))
            os.utime(folder, (10**9, 10**9))
        self.write("users", b"somebody:{PLAIN}secret\n")
        self.write("types", b"types { image/png png; }\n")
        self.write("parameters", self.parameters("fastcgi").encode())

    @staticmethod
    def parameters(kind):
        return "".join(f"{kind}_param {name} ${value};\n" for name, value in (
            ("CONTENT_LENGTH", "content_length"), ("REQUEST_METHOD", "request_method"),
            ("QUERY_STRING", "query_string"), ("REQUEST_URI", "request_uri")))

    def configuration(self, workers=1, loop="epoll", version="1", level="info",
                      sandbox="on"):
        return CONF.format(root=self.root, user=getpass.getuser(), workers=workers,
                           sandbox=sandbox, loop=loop,
                           version=version, level=level, port=self.port,
                           proxied_port=self.proxied_port, http=self.http,
                           names=self.names, scgi=self.parameters("scgi"),
                           uwsgi=self.parameters("uwsgi"))

    def remove(self):
        shutil.rmtree(self.root, ignore_errors=True)


class Server:
    """One run of muxd in a world."""

    def __init__(self, world, binary, library, loop="epoll", under=(), workers=1):
        """`under`: what stands before the command line, a program that watches muxd."""
        self.world, self.binary, self.library, self.loop = world, binary, library, loop
        self.under, self.workers = under, workers
        self.plan = Plan(world.path("plan"))
        self.process, self.worker = None, 0
        self.write_configuration()

    def write_configuration(self, version="1"):
        self.world.write("conf", self.world.configuration(
            workers=self.workers, loop=self.loop, version=version, sandbox="off" if self.under else "on").encode())

    def arguments(self, *more):
        return [self.binary, "-p", self.world.root, "-c", self.world.path("conf"),
                "-e", self.world.path("error.log"), *more]

    def environment(self):
        sanitizer = sanitizer_of(self.binary)
        return dict(
            os.environ, MUXD_FAULTS=self.plan.path,
            LD_PRELOAD=":".join(filter(None, (self.library, sanitizer))),
            ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=1:handle_abort=1:"
                         "allocator_may_return_null=1",
            UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1")

    def start(self):
        """Begins it, without waiting."""
        for name in ("error.log", "said", "pid", "pid.sock", "socket"):
            if os.path.exists(self.world.path(name)):
                os.unlink(self.world.path(name))
        with open(self.world.path("said"), "wb") as said:
            self.process = subprocess.Popen([*self.under, *self.arguments()], env=self.environment(), stdout=said,
                                            stderr=said)

    def begin(self):
        """Begins it, and waits until its worker serves."""
        self.start()
        wait_for(lambda: self.process.poll() is not None or self.children(), "a worker starts")
        wait_for(lambda: self.plan.words.rule_count and len(self.children()) == self.workers and
                 self.idle(), "the workers wait")
        self.worker = self.children()[0]

    def children(self):
        words = read(f"/proc/{self.process.pid}/task/{self.process.pid}/children").split()
        return [int(word) for word in words]

    def said(self):
        return (read(self.world.path("said")) + read(self.world.path("error.log"))).decode(
            errors="replace")

    def troubles(self):
        """Lines that no fault excuses: a process that has died, or what a sanitizer found."""
        lines = re.findall(r"^.*(?:exited on signal|worker process \d+ exited with code [1-9]|"
                           r"AddressSanitizer|LeakSanitizer|runtime error|stack smashing|"
                           r"definitely lost: [1-9]|Invalid (?:read|write|free)|uninitialised).*$",
                          self.said(), re.M)
        # The sanitizer's own start needs memory too.
        return [line for line in lines if "pthread_getattr_np" not in line]

    def is_waiting(self):
        return all(b"\nState:\tS" in read(f"/proc/{pid}/status") for pid in self.children())

    def idle(self):
        """Whether every worker sleeps, and has called nothing for a moment."""
        before = self.plan.total()
        if not self.children() or not self.is_waiting():
            return False
        time.sleep(0.0005)
        return self.plan.total() == before and self.is_waiting()

    def settle(self):
        wait_for(lambda: self.idle() or self.troubles(), "the workers wait")
        if self.troubles():
            raise AssertionError(self.troubles()[0])

    def descriptors(self, pid=None):
        return len(os.listdir(f"/proc/{pid or self.worker}/fd"))

    def stop(self):
        """Asks it to leave; returns its exit status."""
        self.plan.disarm()
        self.process.send_signal(signal.SIGQUIT)
        try:
            return self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired as never:
            self.kill()
            raise AssertionError("it does not leave") from never

    def quit(self):
        """The same; returns what was wrong about it."""
        try:
            status = self.stop()
        except AssertionError as never:
            return [str(never)]
        return self.troubles() + ([f"it leaves with {status}"] if status else [])

    def kill(self):
        self.process.kill()
        self.process.wait()
