"""Starts other people's servers as upstreams, each on a free port of the loopback, with a
log that has a line for every request that it has seen."""
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

DEADLINE = 15  # seconds that any wait may last

NGINX = """
daemon off; master_process off; pid ROOT/nginx.pid; error_log ROOT/nginx.error;
events { worker_connections 64; }
http {
    client_body_temp_path ROOT/body; proxy_temp_path ROOT/temp; fastcgi_temp_path ROOT/temp;
    uwsgi_temp_path ROOT/temp; scgi_temp_path ROOT/temp;
    log_format seen 'seen $request'; access_log ROOT/seen seen;
    server { listen 127.0.0.1:PORT; location / { return 200 "$request_method $request_uri $content_length"; } }
}
"""

LIGHTTPD = """
server.document-root = "ROOT/html"
server.bind = "127.0.0.1"
server.port = PORT
server.errorlog = "ROOT/lighttpd.error"
server.modules = ("mod_accesslog")
accesslog.filename = "ROOT/seen"
accesslog.format = "seen %r"
index-file.names = ("index.html")
"""

APACHE = """
ServerRoot ROOT
ServerName localhost
PidFile ROOT/apache.pid
Listen 127.0.0.1:PORT
MODULES
ErrorLog ROOT/apache.error
LogFormat "seen %r" seen
CustomLog ROOT/seen seen
DocumentRoot ROOT/html
USER
"""

HAPROXY = """
defaults
    mode http
    timeout client 15s
    timeout server 15s
    timeout connect 15s
frontend f
    log stdout format raw local0
    log-format "seen %HM %HU %rt"
    option dontlognull
    bind 127.0.0.1:PORT
    default_backend b
backend b
    server nginx 127.0.0.1:BEHIND
"""

NODE = r"""
require('http').createServer((request, response) => {
    request.on('data', () => {});
    request.socket.begun = true;
    request.on('end', () => { request.socket.begun = false; response.end('ok'); });
    console.log('seen ' + request.method + ' ' + request.url);
}).on('clientError', (error, socket) => {
    if (error.code != 'ECONNRESET' && socket.writable) {
        if (!socket.begun) console.log('seen ' + error);
        socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    }
}).listen(PORT, '127.0.0.1');
"""


def free_port():
    """Below those that outgoing connections take, so that it stays free."""
    for port in range(20000 + (os.getpid() * 7 + free_port.next) % 10000, 32000):
        free_port.next += 11
        with socket.socket() as listening:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listening.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise AssertionError("no port is free")


free_port.next = 0


def program(name):
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


class Upstream:
    """A server of `kind` that runs until stop; it answers whatever it is asked."""

    def __init__(self, kind, folder, behind=None):
        self.kind = kind
        self.root = os.path.join(folder, kind)
        self.port = free_port()
        os.makedirs(os.path.join(self.root, "html"))
        for path in (folder, self.root, self.root + "/html"):
            os.chmod(path, 0o777)
        for name in ("a", "b", "index.html"):
            write(os.path.join(self.root, "html", name), name)
        with open(os.path.join(self.root, "seen"), "ab") as said:
            self.process = subprocess.Popen(self.command(behind), stdout=said,
                                            stderr=subprocess.STDOUT,
                                            cwd=os.path.join(self.root, "html"))
        os.chmod(os.path.join(self.root, "seen"), 0o666)
        until = time.monotonic() + DEADLINE
        while not accepts(self.port):
            if self.process.poll() is not None or time.monotonic() > until:
                raise AssertionError("%s does not start: %s" % (kind, self.said()))
            time.sleep(0.01)

    def command(self, behind):
        return getattr(self, "command_" + self.kind.replace(".", "_"))(behind)

    def configure(self, text, behind=None):
        path = os.path.join(self.root, "conf")
        write(path, text.replace("ROOT", self.root).replace("PORT", str(self.port))
              .replace("BEHIND", str(behind.port if behind else 0)))
        return path

    def command_nginx(self, _):
        return [program("nginx"), "-p", self.root, "-e", self.root + "/nginx.error", "-c",
                self.configure(NGINX)]

    def command_lighttpd(self, _):
        return [program("lighttpd"), "-D", "-f", self.configure(LIGHTTPD)]

    def command_apache2(self, _):
        modules = "".join("LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so\n" % (name, name)
                          for name in ("mpm_event", "authz_core", "dir"))
        user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
        return [program("apache2"), "-DFOREGROUND", "-f", self.configure(
            APACHE.replace("MODULES", modules).replace("USER", user))]

    def command_haproxy(self, behind):
        return [program("haproxy"), "-db", "-f", self.configure(HAPROXY, behind)]

    def command_node(self, _):
        return [program("node"), self.configure(NODE)]

    def command_http_server(self, _):
        return [sys.executable, "-u", "-m", "http.server", str(self.port), "--bind", "127.0.0.1"]

    def said(self):
        with open(os.path.join(self.root, "seen"), encoding="latin-1") as file:
            return file.read()

    def stop(self):
        """Ends the server, and returns the lines of all requests that it has seen."""
        self.process.send_signal(signal.SIGINT if self.kind == "http.server" else signal.SIGTERM)
        self.process.wait(DEADLINE)
        lines = self.said().splitlines()
        if self.kind == "http.server":  # besides, it says why it has refused one
            return [line for line in lines if line.startswith("127.0.0.1") and " code " not in line]
        lines = [line for line in lines if line.startswith("seen ")]
        # HAProxy may write a line twice; %rt numbers its requests.
        return list(set(lines)) if self.kind == "haproxy" else lines
