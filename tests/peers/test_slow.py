#!/usr/bin/env python3
"""slowhttptest's four modes against muxd: it stays available to others while they last, and
nothing of them is left."""
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.request

import upstreams

MUXD = os.environ["MUXD_BINARY"]
LARGE = 16 << 20
CLIENTS = "300"

CONF = """
daemon off; pid ROOT/muxd.pid; error_log ROOT/error.log; worker_processes 1;
events { worker_connections 1024; }
http {
    access_log off; client_body_temp_path ROOT/body;
    client_header_timeout 2s; client_body_timeout 2s; send_timeout 2s; keepalive_timeout 2s;
    lingering_timeout 1s; lingering_time 2s;
    server {
        listen 127.0.0.1:PORT backlog=1024; root ROOT/html;
        location = /status { stub_status; }
        location = /body { client_body_read on; return 200 $content_length; }
    }
}
"""

MODES = {
    "headers": ["-H", "-i", "1", "-u", "http://127.0.0.1:PORT/large"],
    "body": ["-B", "-i", "1", "-s", "100000", "-u", "http://127.0.0.1:PORT/body"],
    "read": ["-X", "-w", "1", "-y", "1", "-n", "5", "-z", "1", "-k", "3",
             "-u", "http://127.0.0.1:PORT/large"],
    "range": ["-R", "-u", "http://127.0.0.1:PORT/large", "-a", "10", "-b", "3000"],
}


class Slow(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="muxd-slow-")
        os.chmod(self.folder, 0o755)
        os.mkdir(os.path.join(self.folder, "html"))
        with open(os.path.join(self.folder, "html/large"), "wb") as file:
            file.truncate(LARGE)
        self.port = str(upstreams.free_port())
        upstreams.write(os.path.join(self.folder, "muxd.conf"),
                        CONF.replace("ROOT", self.folder).replace("PORT", self.port))
        self.muxd = subprocess.Popen([MUXD, "-p", self.folder, "-c", "muxd.conf"])
        while not upstreams.accepts(int(self.port)):
            self.assertIsNone(self.muxd.poll())
            time.sleep(0.01)

    def tearDown(self):
        self.muxd.send_signal(signal.SIGQUIT)
        try:
            self.assertEqual(self.muxd.wait(upstreams.DEADLINE), 0)
        finally:
            if self.muxd.poll() is None:
                self.muxd.kill()
                self.muxd.wait()
            shutil.rmtree(self.folder)

    def active(self):
        url = "http://127.0.0.1:%s/status" % self.port
        with urllib.request.urlopen(url, timeout=upstreams.DEADLINE) as answer:
            return int(re.search(rb"Active connections: (\d+)", answer.read()).group(1))

    def attack(self, mode):
        arguments = [word.replace("PORT", self.port) for word in MODES[mode]]
        tool = subprocess.Popen(["slowhttptest", "-c", CLIENTS, "-r", "300", "-l", "4", "-p", "5"]
                                + arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        most = 0
        while tool.poll() is None:
            most = max(most, self.active())
            time.sleep(0.05)
        said = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", tool.stdout.read().decode("latin-1"))
        tool.stdout.close()
        if mode != "range":  # those are answered at once
            self.assertGreater(most, 10, said)
        self.assertIsNone(re.search(r"service available: +NO", said), said)
        until = time.monotonic() + upstreams.DEADLINE
        while self.active() > 1:
            self.assertLess(time.monotonic(), until, "attackers are left")
            time.sleep(0.05)

    def test_headers(self):
        self.attack("headers")

    def test_body(self):
        self.attack("body")

    def test_read(self):
        self.attack("read")

    def test_range(self):
        self.attack("range")


if __name__ == "__main__":
    unittest.main(verbosity=2)
