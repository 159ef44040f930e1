#!/usr/bin/env python3
"""Every directive that Debian's nginx knows too stands where nginx lets it stand, and takes as
many arguments. What each means is the side-by-side test's matter."""
import concurrent.futures
import os
import re
import shutil
import subprocess
import tempfile
import unittest

MUXD = os.environ["MUXD_BINARY"]
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
MANUAL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../conf/muxd.conf.5")

MAIN = "pid ROOT/pid; error_log stderr;"
SERVER = "listen 127.0.0.1:20000;"
CONTEXTS = {
    "main": "%s\nevents {} http { server { " + SERVER + " } }",
    "events": "events { %s\n} http { server { " + SERVER + " } }",
    "http": "events {} http { %s\nserver { " + SERVER + " } }",
    "server": "events {} http { server { " + SERVER + " %s\n} }",
    "location": "events {} http { server { " + SERVER + " location /x { %s\n} } }",
    "if in server": "events {} http { server { " + SERVER + " if ($uri) { %s\n} } }",
    "if in location":
        "events {} http { server { " + SERVER + " location /x { if ($uri) { %s\n} } } }",
    "limit_except":
        "events {} http { server { " + SERVER + " location /x { limit_except GET { %s\n} } } }",
    "upstream":
        "events {} http { upstream u { server 127.0.0.1:1; %s\n} server { " + SERVER + " } }",
}
ARGUMENTS_MOST = 5

# Where muxd lets more stand, and why.
MORE = {
    ("resolver", "upstream"): "as later versions of nginx do",
    ("resolver_timeout", "upstream"): "as later versions of nginx do",
}

NOT_HERE, ARGUMENTS, OTHER, UNKNOWN = "not here", "number of arguments", "other", "unknown"
PROBLEMS = {
    "unknown directive": UNKNOWN,
    "directive is not allowed here": NOT_HERE,
    "invalid number of arguments": ARGUMENTS,
}


def problem_of(text):
    for words, problem in PROBLEMS.items():
        if words in text:
            return problem
    return OTHER


def directive_names():
    """Those of the manual, but for blocks."""
    with open(MANUAL, encoding="utf-8") as file:
        entries = re.findall(r'^\.BI? "?([a-z][a-z0-9_]+) ?(.*)\nContext:', file.read(), re.M)
    return sorted({name for name, rest in entries if "{" not in rest})


class Directives(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if NGINX is None:
            raise unittest.SkipTest("nginx is not installed (apt-get install nginx)")
        cls.root = tempfile.mkdtemp(prefix="directives-")
        cls.addClassCleanup(shutil.rmtree, cls.root)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            names = directive_names()
            known = pool.map(lambda name: cls.ask_nginx(name, "location", 1) != UNKNOWN, names)
            cls.names = [name for name, is_known in zip(names, known) if is_known]

    @classmethod
    def check(cls, program, context, lines):
        """What the program says of a configuration with the lines in the context."""
        with tempfile.NamedTemporaryFile("w", dir=cls.root, suffix=".conf") as file:
            file.write(MAIN.replace("ROOT", cls.root) + CONTEXTS[context] % (
                "".join("\n" + line for line in lines)))
            file.flush()
            return subprocess.run(
                [program, "-t", "-q", "-p", cls.root + "/", "-c", file.name, "-e", "stderr"],
                capture_output=True, text=True, check=False, timeout=60).stderr

    @classmethod
    def ask_nginx(cls, name, context, count):
        """nginx stops at the first mistake: one directive at a time."""
        text = cls.check(NGINX, context, [name + " x" * count + ";"])
        return problem_of(text) if '"%s"' % name in text else OTHER

    @classmethod
    def ask_muxd(cls, context, lines):
        """muxd reports all mistakes: one for each line."""
        problems = [OTHER] * len(lines)
        for start in range(0, len(lines), 30):
            text = cls.check(MUXD, context, lines[start:start + 30])
            for message, line in re.findall(r"^muxd: \[emerg\] (.*) in \S+:(\d+):\d+$", text, re.M):
                index = start + int(line) - 2
                if problems[index] == OTHER:
                    problems[index] = problem_of(message)
        return problems

    def compare(self, context, rows, what):
        """Rows of (name, number of arguments) of which both must say the same, as to `what`."""
        ours = self.ask_muxd(context, [name + " x" * count + ";" for name, count in rows])
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            theirs = list(pool.map(lambda row: self.ask_nginx(row[0], context, row[1]), rows))
        return [(name, count, context) for (name, count), our, their in zip(rows, ours, theirs)
                if (our == what) != (their == what)]

    def test_contexts(self):
        different = []
        for context in CONTEXTS:
            different += self.compare(context, [(name, 1) for name in self.names], NOT_HERE)
        self.assertEqual({(name, context) for name, _, context in different}, set(MORE))

    def test_numbers_of_arguments(self):
        """In the first context that the manual names."""
        with open(MANUAL, encoding="utf-8") as file:
            manual = file.read()
        different = []
        for context in ("main", "events", "http", "server", "location", "upstream"):
            names = [name for name in self.names if re.search(
                r'^\.BI? "?%s\b.*\nContext: %s\b' % (name, context), manual, re.M)]
            rows = [(name, count) for name in names for count in range(ARGUMENTS_MOST + 1)]
            different += self.compare(context, rows, ARGUMENTS)
        self.assertEqual(different, [])


if __name__ == "__main__":
    unittest.main(verbosity=1)
