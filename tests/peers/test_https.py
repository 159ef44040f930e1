#!/usr/bin/env python3
"""HTTPS by the recipes of conf/tls: hitch, HAProxy and stunnel in front of muxd, asked by curl."""
import os
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

MUXD = os.environ["MUXD_BINARY"]
RECIPES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../conf/tls")
DEADLINE = 20  # seconds that any wait may last

CONF = """
{user}
daemon off;
pid {root}/pid;
error_log {root}/error.log;
events {{ }}
http {{
    access_log off;
    server {{
        listen unix:{root}/https.socket {listen};
        location / {{
            return 200 "$scheme $https $proxy_protocol_addr $ssl_protocol\\n";
        }}
        location /name {{
            return 200 $ssl_server_name;
        }}
        location /redirect {{
            return 301 /to;
        }}
    }}
}}
"""


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


class Terminator:
    """What a recipe is tested with; tests are those of Https."""
    program = None  # of Debian's package
    recipe = None  # a file of conf/tls
    arguments = ()  # PATH is the recipe's
    listen = "proxy_protocol"
    answer = b"https on 127.0.0.1 TLSv1.3\n"
    server_name = b"localhost"
    changes = ()  # of texts in the recipe, for a test: PORT and ROOT are its own
    changes_of_users = ()  # where the test is not root

    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="muxd-https-")
        os.chmod(self.root, 0o755)
        self.addCleanup(shutil.rmtree, self.root)
        self.port = free_port()
        self.make_certificate()
        self.write("muxd.conf", CONF.format(
            root=self.root, listen=self.listen,
            user="user root;" if os.geteuid() == 0 else ""))
        self.write(self.recipe, self.changed_recipe())
        self.start(MUXD, "-p", self.root + "/", "-c", "muxd.conf")
        self.wait_for(self.path("https.socket"))
        self.start(self.program, *(argument.replace("PATH", self.path(self.recipe))
                                   for argument in self.arguments))

    def path(self, name):
        return os.path.join(self.root, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def make_certificate(self):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
             "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
             "-keyout", self.path("key.pem"), "-out", self.path("certificate.pem")],
            check=True, capture_output=True)
        with open(self.path("site.pem"), "wb") as site:
            for name in ("key.pem", "certificate.pem"):
                with open(self.path(name), "rb") as part:
                    site.write(part.read())

    def changed_recipe(self):
        """The recipe as it ships, with this test's paths."""
        with open(os.path.join(RECIPES, self.recipe), encoding="utf-8") as file:
            text = file.read()
        changes = (("/run/muxd-https.socket", "ROOT/https.socket"),) + self.changes
        if os.geteuid() != 0:
            changes += self.changes_of_users
        for old, new in changes:
            self.assertIn(old, text)
            text = text.replace(old, new.replace("PORT", str(self.port)).replace("ROOT", self.root))
        return text

    def start(self, *command):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)

    def wait_for(self, path):
        until = time.monotonic() + DEADLINE
        while not os.path.exists(path):
            self.assertLess(time.monotonic(), until, path + " does not appear")
            time.sleep(0.02)

    def curl(self, path, *arguments):
        """What curl prints, once the terminator accepts connections."""
        command = ["curl", "-sS", "--max-time", "10", "--cacert", self.path("certificate.pem"),
                   *arguments, "https://localhost:%d%s" % (self.port, path)]
        until = time.monotonic() + DEADLINE
        while True:
            done = subprocess.run(command, capture_output=True, timeout=30)
            if done.returncode == 0 or time.monotonic() > until:
                break
            time.sleep(0.05)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_scheme_and_client_are_told(self):
        self.assertEqual(self.curl("/"), self.answer)

    def test_the_name_that_was_asked_for_is_told(self):
        self.assertEqual(self.curl("/name"), self.server_name)

    def test_redirects_stay_on_https(self):
        location = self.curl("/redirect", "-o", "/dev/null", "-w", "%{redirect_url}")
        self.assertTrue(location.startswith(b"https://localhost"), location)


class Hitch(Terminator, unittest.TestCase):
    program = "hitch"
    recipe = "hitch.conf"
    arguments = ("--config=PATH",)
    changes = (("[*]:443", "[127.0.0.1]:PORT"),
               ("/etc/hitch/site.pem", "ROOT/site.pem"),
               ("daemon = on", "daemon = off"))
    changes_of_users = (("user =", "#user ="), ("group =", "#group ="))


class Haproxy(Terminator, unittest.TestCase):
    program = "haproxy"
    recipe = "haproxy.cfg"
    arguments = ("-db", "-f", "PATH")
    changes = (("[::]:443 v4v6", "127.0.0.1:PORT"),
               ("/etc/haproxy/site.pem", "ROOT/site.pem"))
    changes_of_users = (("    user haproxy\n", ""), ("    group haproxy\n", ""))


class Stunnel(Terminator, unittest.TestCase):
    program = "stunnel4"
    recipe = "stunnel.conf"
    arguments = ("PATH",)
    listen = "proxy_protocol tls_terminated"
    answer = b"https on 127.0.0.1 \n"
    server_name = b""
    changes = ((":::443", "127.0.0.1:PORT"),
               ("/etc/stunnel/site.pem", "ROOT/site.pem"),
               ("foreground = no", "foreground = yes"))
    changes_of_users = (("setuid =", ";setuid ="), ("setgid =", ";setgid ="))


if __name__ == "__main__":
    unittest.main(verbosity=2)
