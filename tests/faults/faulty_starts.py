"""Fails each call of a start and of a reload: a server that does not start says why and leaves
nothing behind, and one that does not reload goes on as it was."""
import os
import re
import subprocess

from exchange import Connection
from faulty_requests import Fault
from plan import ERRORS, IN_MASTER, IN_WORKERS
from server import DEADLINE, Server, wait_for

ROLES = {IN_MASTER: "master", IN_WORKERS: "worker"}
# Where these have failed, what they should have removed is there.
REMOVING = ("unlink",)


class Starts:
    """Common to both: the faults, and the account of them."""

    what = "start"

    def __init__(self, world, binary, library, loop):
        self.world, self.server = world, Server(world, binary, library, loop)
        self.trials, self.reached, self.findings = 0, 0, []

    def find(self, fault, wrong):
        self.findings.append((str(fault), wrong))
        print(f"FOUND {fault}: {wrong}", flush=True)

    def faults(self, role, counts):
        for call, count in sorted(counts.items()):
            for error in ERRORS[call] if call != "kill" else ():  # of its own children
                for first in range(1, count + 1):
                    yield Fault(f"{self.what}, {ROLES[role]}", call, first, error)

    def answer(self):
        """What is served at /ok; empty when nobody answers."""
        try:
            connection = Connection(("127.0.0.1", self.world.port))
        except ConnectionError:
            return b""
        connection.send(b"GET /ok HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = connection.read()
        connection.close()
        return answer.body if answer.complete else b""

    def arm(self, role, fault=None):
        self.server.plan.clear()
        if fault:
            self.server.plan.fail(fault.call, fault.error, fault.first)
        self.server.plan.arm(role)

    def try_all(self, chosen, role, counts):
        for fault in filter(chosen, list(self.faults(role, counts))):
            try:
                wrong = self.try_one(role, fault)
            except AssertionError as never:
                wrong = str(never)
            self.trials += 1
            self.reached += self.server.plan.failures() > 0
            if wrong:
                self.find(fault, wrong)
                self.mend()

    def died(self):
        """A process that has died, or what a sanitizer has found; that a worker could not
        start is no surprise here."""
        return next((line for line in self.server.troubles() if "exited with code" not in line),
                    None)

    def mend(self):
        self.server.kill()


class FaultyStarts(Starts):
    def serves(self):
        return self.answer() == b"yes 1\n"

    def try_one(self, role, fault):
        server = self.server
        self.arm(role, fault)
        server.start()
        wait_for(lambda: server.process.poll() is not None or self.serves(), "it starts or ends")
        wrong = self.died()
        if server.process.poll() is None:
            server.plan.disarm()
            status = server.stop()
            return wrong or self.died() or (f"it leaves with {status}" if status else None)
        return wrong or self.refused(fault)

    def refused(self, fault):
        """What is wrong about a server that has not started."""
        status, said = self.server.process.returncode, self.server.said()
        if status != 1:
            return f"it ends with {status}"
        if not re.search(r"\[emerg\]|\[alert\]|\[crit\]|muxd: ", said):
            return f"it does not say why it ends: {said!r}"
        left = [name for name in ("pid", "pid.sock", "socket")
                if os.path.exists(self.world.path(name))]
        if left and fault.call not in REMOVING:
            return f"left behind: {left}"
        return None

    def run(self, chosen):
        for role in ROLES:
            self.arm(role)
            self.server.start()
            wait_for(self.serves, "it serves")
            counts = self.server.plan.counts()
            self.server.plan.disarm()
            self.server.stop()
            self.try_all(chosen, role, counts)


class FaultyReloads(Starts):
    what = "reload"
    version, level = 1, 0

    def reload(self):
        """Of a new version of the configuration: whether it is said to have been taken over."""
        self.version += 1
        self.server.write_configuration(str(self.version))
        try:
            return subprocess.run(self.server.arguments("-s", "reload"), capture_output=True,
                                  text=True, timeout=DEADLINE)
        except subprocess.TimeoutExpired as never:
            raise AssertionError("the reload does not end") from never

    def is_quiet(self):
        return len(self.server.children()) == 1 and self.server.idle()

    def reload_rightly(self):
        self.server.plan.disarm()
        outcome = self.reload()
        if outcome.returncode != 0:
            return f"the next reload fails: {outcome.stderr}"
        if self.answer() != b"yes %d\n" % self.version:
            return "the next reload has no effect"
        wait_for(self.is_quiet, "the old worker leaves")
        return None

    def try_one(self, role, fault):
        served = self.version
        self.arm(role, fault)
        outcome = self.reload()
        self.server.plan.disarm()
        now = self.answer()
        wanted = self.version if outcome.returncode == 0 else served
        if self.died():
            return self.died()
        if "does not say how" in outcome.stderr:  # its answer was what failed
            wanted = int(now.split()[1])
        if now != b"yes %d\n" % wanted:
            return f"{now} is served after status {outcome.returncode}: {outcome.stderr}"
        if outcome.returncode != 0 and not outcome.stderr:
            return "it does not say why it fails"
        return self.reload_rightly() or self.left_behind()

    def left_behind(self):
        master = self.server.process.pid
        try:
            wait_for(lambda: self.server.descriptors(master) <= self.level, "it closes them")
        except AssertionError:
            return (f"{self.server.descriptors(master)} descriptors of the master are open "
                    f"instead of {self.level}")
        return None

    def begin(self):
        self.server.write_configuration(str(self.version))
        self.server.begin()
        assert not self.reload_rightly()
        self.level = self.server.descriptors(self.server.process.pid)

    def mend(self):
        self.server.kill()
        self.begin()

    def run(self, chosen):
        self.begin()
        for role in ROLES:
            self.arm(role)
            self.reload()
            wait_for(self.is_quiet, "the old worker leaves")
            counts = self.server.plan.counts()
            self.try_all(chosen, role, counts)
        status = self.server.stop()
        if status or self.died():
            self.find("all", self.died() or f"it leaves with {status}")
