#!/usr/bin/env python3
"""HTTPS by the recipe of conf/tls: hitch in front of muxd, asked by curl."""
import os
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

MUXD = os.environ["MUXD_BINARY"]
RECIPE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../conf/tls/hitch.conf")
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
        listen unix:{root}/https.socket proxy_protocol;
        location / {{
            return 200 "$scheme $https $proxy_protocol_addr $proxy_protocol_tlv_ssl_version\\n";
        }}
    }}
}}
"""


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


class Https(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="muxd-https-")
        os.chmod(self.root, 0o755)
        self.addCleanup(shutil.rmtree, self.root)
        self.port = free_port()
        self.make_certificate()
        self.write("muxd.conf", CONF.format(
            root=self.root, user="user root;" if os.geteuid() == 0 else ""))
        self.write("hitch.conf", self.recipe())
        self.start(MUXD, "-p", self.root + "/", "-c", "muxd.conf")
        self.start("hitch", "--config=" + self.path("hitch.conf"))

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

    def recipe(self):
        """The recipe as it ships, with this test's paths."""
        with open(RECIPE, encoding="utf-8") as file:
            text = file.read()
        for old, new in (("[*]:443", "[127.0.0.1]:%d" % self.port),
                         ("/run/muxd-https.socket", self.path("https.socket")),
                         ("/etc/hitch/site.pem", self.path("site.pem")),
                         ("daemon = on", "daemon = off")):
            self.assertIn(old, text)
            text = text.replace(old, new)
        if os.geteuid() != 0:
            text = text.replace("user =", "#user =").replace("group =", "#group =")
        return text

    def start(self, *command):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)

    def test_scheme_and_client_are_told(self):
        command = ["curl", "-sS", "--max-time", "10", "--cacert", self.path("certificate.pem"),
                   "https://localhost:%d/" % self.port]
        until = time.monotonic() + DEADLINE
        while True:
            done = subprocess.run(command, capture_output=True, timeout=30)
            if done.returncode == 0 or time.monotonic() > until:
                break
            time.sleep(0.05)
        self.assertEqual(done.stdout, b"https on 127.0.0.1 TLSv1.3\n", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
