"""Fails each call that the masters make while another binary takes over: one of the two serves
whatever happens, and the old one says why when it is not the new one."""
import os
import signal

from faulty_starts import Starts
from plan import IN_MASTER
from server import read, wait_for


# What the old master says when it stays.
STAYS = ("the binary is not changed: ", " has ended: ")


def is_alive(pid):
    return b"\nState:\tZ" not in read(f"/proc/{pid}/status") and os.path.exists(f"/proc/{pid}")


def is_asleep(pid):
    return b"\nState:\tS" in read(f"/proc/{pid}/status")


class FaultyUpgrades(Starts):
    what = "upgrade"

    def serves(self):
        return self.answer() == b"yes 1\n"

    def master(self):
        """The process in the pid file."""
        return int(read(self.world.path("pid")) or 0)

    def taken_over(self):
        """Another master has written its own pid, and a worker of it runs."""
        new = self.master()
        return (new not in (0, self.server.process.pid) and
                read(f"/proc/{new}/task/{new}/children") != b"")

    def given_up(self):
        """The old one is alone again. It sleeps only when it has done what the signal asked it
        for, or waits for the new one, which is its child then."""
        old = self.server.process
        return (is_asleep(old.pid) and old.poll() is None and self.master() == old.pid and
                len(self.server.children()) == 1 and
                not os.path.exists(self.world.path("pid.oldbin")))

    def silent(self, fault):
        """What is wrong about an old one that stays; where its log could not be written to, it
        may say nothing."""
        if fault.call == "write" or any(why in self.server.said() for why in STAYS):
            return None
        return "it does not say why the binary is the old one"

    def upgrade(self):
        self.server.process.send_signal(signal.SIGUSR2)

    def outcome(self):
        wait_for(lambda: self.taken_over() or self.given_up() and self.server.idle(),
                 "one of the masters is alone, or both serve")
        return self.taken_over()

    def end(self):
        """Both masters leave."""
        new = self.master()
        status = self.server.stop()
        if new != self.server.process.pid and is_alive(new):
            os.kill(new, signal.SIGQUIT)
            wait_for(lambda: not is_alive(new), "the new master leaves")
        return f"the old one leaves with {status}" if status else None

    def try_one(self, role, fault):
        self.arm(role, fault)
        self.upgrade()
        taken = self.outcome()
        self.server.plan.disarm()
        wrong = None if self.serves() else "nobody serves"
        wrong = wrong or (None if taken else self.silent(fault)) or self.died() or self.end() or self.died()
        if not wrong:
            self.server.begin()
        return wrong

    def mend(self):
        new = self.master()
        self.server.kill()
        if new not in (0, self.server.process.pid) and is_alive(new):
            os.kill(new, signal.SIGKILL)
        self.server.begin()

    def run(self, chosen):
        self.server.begin()
        self.arm(IN_MASTER)
        self.upgrade()
        assert self.outcome(), self.server.said()
        wait_for(self.serves, "it serves")
        counts = self.server.plan.counts()
        self.server.plan.disarm()
        assert not self.end()
        self.server.begin()
        self.try_all(chosen, IN_MASTER, counts)
        wrong = self.end() or self.died()
        if wrong:
            self.find("all", wrong)
