#!/usr/bin/env python3
"""The systemd unit that is installed: systemd-analyze understands all of it, and finds the
service well locked up.

MUXD_UNIT is the unit's file, MUXD_BINARY stands in for the program that it starts."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

EXPOSURE = 4.0  # of 10, at most


class Unit(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="muxd-unit-")
        self.addCleanup(shutil.rmtree, self.folder)
        with open(os.environ["MUXD_UNIT"]) as file:
            self.text = file.read()
        self.path = os.path.join(self.folder, "muxd.service")
        with open(self.path, "w") as file:
            file.write(re.sub(r"(?m)^(Exec\w+)=\S+", r"\1=" + os.environ["MUXD_BINARY"], self.text))

    def analyze(self, *arguments):
        run = subprocess.run(["systemd-analyze", *arguments, self.path], text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(run.returncode, 0, run.stdout)
        return run.stdout

    def test_it_is_understood(self):
        self.assertEqual(self.analyze("verify", "--man=no"), "")

    def test_it_is_hardened(self):
        text = self.analyze("security", "--offline=yes", "--no-pager")
        found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", text)
        self.assertIsNotNone(found, text)
        self.assertLessEqual(float(found.group(1)), EXPOSURE)

    def test_it_says_what_muxd_does(self):
        for line in (r"Type=notify", r"ExecReload=\S+ -s reload", r"WatchdogSec=\d+"):
            self.assertRegex(self.text, "(?m)^%s$" % line)


if __name__ == "__main__":
    unittest.main(verbosity=2)
