#!/usr/bin/env python3
"""The counters, as those see them who ask: a strict reader of Prometheus' text format, a
JSON parser, and headless Chromium, which draws the page.

MUXD_BINARY and MUXD_RUN_FOLDER as in test_peers.py. With MUXD_SCREENSHOTS, the pictures
that Chromium takes are kept in that folder."""
import json
import os
import re
import shutil
import struct
import tempfile
import time
import unittest
import urllib.request

import test_peers

STATUS = """
server {{
    listen 127.0.0.1:{port};
    status_zone site;
    location = /ok {{ status_zone "a \\"quoted\\" \\\\ name"; return 200 OK; }}
    location = /status {{ status html; }}
}}
"""

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"'
SAMPLE = re.compile(r"(%s)(?:\{(%s(?:,%s)*)\})? (\S+)" % (NAME, LABEL, LABEL))


class Metrics:
    """Prometheus' text format 0.0.4, read without mercy."""

    def __init__(self, text):
        self.types, self.samples, self.family = {}, {}, None
        if not text.endswith("\n"):
            raise AssertionError("no newline at the end")
        for line in text[:-1].split("\n"):
            if line.startswith("#"):
                self.comment(line)
            else:
                self.sample(line)
        for name, kind in self.types.items():
            if kind == "histogram":
                self.check_histogram(name)

    def comment(self, line):
        kind, name, text = re.fullmatch("# (HELP|TYPE) (%s) (.+)" % NAME, line).groups()
        if kind == "HELP":
            if name in self.types or not text.endswith("."):
                raise AssertionError("twice, or without an end: " + line)
            self.family = name
        elif name != self.family or text not in ("counter", "gauge", "histogram"):
            raise AssertionError("not of the family before: " + line)
        else:
            self.types[name] = text
            if (text == "counter") != name.endswith("_total"):
                raise AssertionError("counters, and only they, end in _total: " + name)

    def sample(self, line):
        match = SAMPLE.fullmatch(line)
        if match is None:
            raise AssertionError("no sample: " + line)
        name, labels = match.group(1), tuple(re.findall(LABEL, match.group(2) or ""))
        base = name
        if self.types[self.family] == "histogram":
            base = re.sub("_(bucket|sum|count)$", "", name)
        names = [label for label, _ in labels]
        if base != self.family or len(set(names)) != len(names):
            raise AssertionError("out of place: " + line)
        if (name, labels) in self.samples:
            raise AssertionError("twice: " + line)
        self.samples[name, labels] = float(match.group(match.lastindex))

    def check_histogram(self, name):
        series = {}
        for (one, labels), value in self.samples.items():
            if one == name + "_bucket":
                rest = tuple(label for label in labels if label[0] != "le")
                series.setdefault(rest, []).append((float(dict(labels)["le"]), value))
        for labels, buckets in series.items():
            if buckets != sorted(buckets) or buckets[-1][0] != float("inf"):
                raise AssertionError("bounds out of order: %s %s" % (name, labels))
            if [count for _, count in buckets] != sorted(count for _, count in buckets):
                raise AssertionError("not cumulative: %s %s" % (name, labels))
            if buckets[-1][1] != self.samples[name + "_count", labels]:
                raise AssertionError("another count: %s %s" % (name, labels))
            if self.samples[name + "_sum", labels] < 0:
                raise AssertionError("negative: %s %s" % (name, labels))


class Status(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        before = test_peers.CONF
        test_peers.CONF = before[:before.index("    server {{")] + STATUS + "}}\n"
        try:
            cls.muxd = test_peers.Muxd()
        finally:
            test_peers.CONF = before
        cls.url = cls.muxd.url + "/status"
        for _ in range(20):
            urllib.request.urlopen(cls.muxd.url + "/ok").read()

    @classmethod
    def tearDownClass(cls):
        cls.muxd.stop()

    def fetch(self, query):
        with urllib.request.urlopen(self.url + query) as answer:
            return answer.read().decode()

    def wait_for(self, look):
        until = time.monotonic() + test_peers.DEADLINE
        while not look():
            self.assertLess(time.monotonic(), until)
            time.sleep(0.02)

    def test_prometheus(self):
        zone = (("kind", "location"), ("zone", 'a \\"quoted\\" \\\\ name'), ("class", "2xx"))

        def counted():
            metrics = Metrics(self.fetch("?format=prometheus"))
            return metrics.samples["muxd_zone_responses_total", zone] == 20
        self.wait_for(counted)

    def test_json(self):
        def counted():
            numbers = json.loads(self.fetch("?format=json"))
            self.assertEqual(len(numbers["bounds"]) + 1, len(numbers["requests"]["times"]))
            self.assertEqual(sum(numbers["requests"]["times"]), numbers["requests"]["total"])
            self.assertEqual(len(numbers["workers"]), 2)
            zone = [one for one in numbers["locations"] if one["name"] == 'a "quoted" \\ name']
            return zone[0]["2xx"] == 20
        self.wait_for(counted)

    def chromium(self, *arguments):
        profile = tempfile.mkdtemp(prefix="muxd-chromium-")
        try:
            return test_peers.run(
                "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
                "--no-first-run", "--disable-background-networking", "--disable-component-update",
                "--disable-sync", "--hide-scrollbars", "--user-data-dir=" + profile,
                "--virtual-time-budget=5000", *arguments, self.url).decode(errors="replace")
        finally:
            shutil.rmtree(profile, ignore_errors=True)

    def test_page_draws_the_numbers(self):
        dom = self.chromium("--dump-dom")
        self.assertRegex(dom, r'id="live"[^>]*>live<')
        self.assertEqual(dom.count("<svg"), 2)
        self.assertIn('a "quoted" \\ name', dom)
        self.assertIn("127.0.0.1:%d" % self.muxd.port, dom)
        self.assertIn(">accepting<", dom)

    def test_page_asks_nobody_else(self):
        page = self.fetch("")
        self.assertNotRegex(page, r'(src|href)="(?!data:)|@import|url\((?!data:)')
        with urllib.request.urlopen(self.url) as answer:
            self.assertIn("default-src 'none'", answer.headers["Content-Security-Policy"])

    def test_screenshots(self):
        folder = os.environ.get("MUXD_SCREENSHOTS", self.muxd.root)
        for name, size in (("desktop", (1200, 1150)), ("phone", (500, 1500))):
            path = os.path.join(folder, "status-%s.png" % name)
            self.chromium("--window-size=%d,%d" % size, "--screenshot=" + path)
            with open(path, "rb") as file:
                head = file.read(24)
            self.assertEqual(head[:8], b"\x89PNG\r\n\x1a\n")
            self.assertEqual(struct.unpack(">II", head[16:24]), size)
            self.assertGreater(os.path.getsize(path), 20000)  # more than an empty page


if __name__ == "__main__":
    unittest.main(verbosity=2)
