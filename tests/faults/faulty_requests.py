"""Fails each call that a request leads to, one after the other, and looks at what becomes of
this request, of the next one, and of the worker."""
from cases import CASES
from exchange import Connection, judged
from plan import ERRORS, IN_WORKERS, NAMES
from server import Server, wait_for

AFTER = b"GET /after HTTP/1.1\r\nHost: localhost\r\n\r\n"
# Where these go on failing, there is nobody who could answer.
WAITING = ("accept4", "epoll_wait", "select", "poll")
# Calls that fail in a storm, of 65536, and how many storms there are.
STORM, STORMS = 1000, 200
WARM = 3  # times that a request is made before its calls are counted: caches are full then


class Fault:
    """The call that fails: `first` is its number since the request began; `every`: and so do
    all that follow; `also`: another fault at the same time."""

    def __init__(self, case, call, first, error, every=0, also=None):
        self.case, self.call, self.first, self.error, self.every = case, call, first, error, every
        self.also = also

    def __str__(self):
        more = " on" if self.every else ""
        also = f", {self.also}" if self.also else ""
        return f"{self.case}: {self.call} {self.first}{more} {NAMES[self.error]}{also}"

    def put(self, plan):
        plan.fail(self.call, self.error, self.first, self.every)
        if self.also:
            self.also.put(plan)


class Requests:
    """The series of requests at one server; `findings` are the faults that it bore badly."""

    def __init__(self, world, binary, library, loop, cold=False, under=(), workers=1):
        self.world, self.cold = world, cold
        self.server = Server(world, binary, library, loop, under, workers)
        self.number = 0
        self.trials, self.reached, self.findings = 0, 0, []
        self.expected, self.level = {}, 0

    def exchange(self, case, connection):
        connection.send(case.text_of(self.number))
        return connection.read(case.method)

    def after(self, connection, answer):
        """A kept connection goes on with the next answer, or is closed."""
        if not answer.kept or not answer.complete or answer.status == 101:
            return None
        connection.send(AFTER)
        after = connection.read()
        if after.wrong:
            return f"the next answer: {after.wrong}"
        if after.status != 0 and after.status < 500 and after.complete and after.body != b"after\n":
            return f"the next answer on the connection is not its own: {after}"
        return None

    def ask(self, case):
        """One request of the case, with nothing said of what fails: the answer, and what is
        wrong about what came after it and what it has left behind."""
        self.number = next(self.world.numbers)
        if case.prepare:
            case.prepare(self.world, self.number)
        port = self.world.proxied_port if case.proxied else self.world.port
        connection = Connection(("127.0.0.1", port))
        answer = self.exchange(case, connection)
        wrong = self.after(connection, answer)
        connection.close()
        self.server.settle()
        return answer, wrong

    def ask_rightly(self, case):
        """A request of the case where nothing fails: what is wrong about its answer."""
        self.server.plan.disarm()
        answer, wrong = self.ask(case)
        if not answer.complete or answer.status != case.status:
            return wrong or f"the next request is answered by {answer}"
        return wrong or judged(answer, self.expected[case.name], case) or self.verified(case)

    def verified(self, case):
        return case.verify(self.world, self.number) if case.verify else None

    def learn(self, case):
        """What is right: the answer of a server that nothing happens to."""
        answer, wrong = self.ask(case)
        assert not wrong and answer.complete and answer.status == case.status, (
            f"{case.name}: {answer} {wrong}")
        assert case.text is None or answer.content() == case.text, f"{case.name}: {answer}"
        self.expected[case.name] = answer

    def start(self):
        self.server.begin()
        self.server.plan.clear()

    def warm(self, case):
        """The calls of a request of the case."""
        for _ in range(1 if self.cold else WARM):
            self.learn(next(one for one in CASES if one.name == "proxy"))  # keeps a connection
            self.learn(case)
        if self.cold:
            self.restart(case)
        self.server.plan.clear()
        self.server.plan.arm(IN_WORKERS)
        self.ask(case)
        counts = self.server.plan.counts()
        self.server.plan.disarm()
        self.level = self.server.descriptors()
        return counts

    def faults(self, case, counts):
        if case.name == "return":  # whatever is asked for: poll is called to make room
            yield from (Fault(case.name, "accept4", 1, error,
                              also=Fault(case.name, "poll", 1, why))
                        for error in ERRORS["accept4"] for why in ERRORS["poll"])
        for call, count in sorted(counts.items()):
            for error in ERRORS[call]:
                for first in range(1, count + 1):
                    yield Fault(case.name, call, first, error)
                if error > 0 and NAMES[error] != "EINTR" and call not in WAITING:
                    yield Fault(case.name, call, 1, error, every=1)

    def restart(self, case, what=None):
        """Another server; what the last one had to say when it left belongs to `what`."""
        wrong = self.server.quit()
        if wrong and what:
            self.find(what, wrong[0])
        self.start()

    def find(self, fault, wrong):
        self.findings.append((str(fault), wrong))
        print(f"FOUND {fault}: {wrong}", flush=True)

    def try_one(self, case, fault):
        """What is wrong about how the fault was borne, or None."""
        plan = self.server.plan
        plan.clear()
        fault.put(plan)
        plan.arm(IN_WORKERS)
        answer, wrong = self.ask(case)
        self.trials += 1
        self.reached += plan.failures() > 0
        plan.disarm()
        wrong = judged(answer, self.expected[case.name], case) or wrong or self.verified(case)
        if wrong:
            return f"{wrong} ({answer})"
        return self.ask_rightly(case) or self.left_behind()

    def left_behind(self):
        """Descriptors that stay open when all is quiet."""
        troubles = self.server.troubles()
        if troubles:
            return troubles[0]
        if self.server.workers > 1:  # nobody knows which of them keeps a connection
            return None
        try:
            wait_for(lambda: self.server.descriptors() <= self.level, "descriptors are closed")
        except AssertionError:
            return f"{self.server.descriptors()} descriptors are open instead of {self.level}"
        return None

    def run(self, chosen, which=lambda case: True):
        """Every fault that `chosen` says yes to, in the cases that `which` does."""
        self.start()
        for case in filter(which, CASES):
            counts = self.warm(case)
            for fault in filter(chosen, list(self.faults(case, counts))):
                if self.cold:
                    self.restart(case)
                try:
                    wrong = self.try_one(case, fault)
                except AssertionError as never:
                    wrong = str(never)
                if wrong:
                    self.find(fault, wrong)
                if self.cold:
                    wrong = self.server.quit()
                    if wrong:
                        self.find(fault, wrong[0])
                    self.start()
                elif wrong:
                    self.restart(case, fault)
                    self.warm(case)
        wrong = self.server.quit()
        if wrong:
            self.find("all", wrong[0])

    def run_rightly(self, which):
        """The requests with nothing that fails, for a program that watches muxd."""
        self.start()
        for case in filter(which, CASES):
            for _ in range(WARM):
                self.learn(case)
                self.trials += 1
        wrong = self.server.quit()
        if wrong:
            self.find("requests", wrong[0])

    def storm(self, seed):
        """Calls fail here and there in all requests; when it is over everything is right."""
        plan = self.server.plan
        plan.clear()
        plan.fail_some(seed, STORM)
        for case in CASES:
            plan.arm(IN_WORKERS)
            answer, wrong = self.ask(case)
            plan.disarm()
            wrong = judged(answer, self.expected[case.name], case) or wrong or self.verified(case)
            if wrong:
                return f"{case.name}: {wrong}"
        self.reached += plan.failures() > 0
        return next(filter(None, map(self.ask_rightly, CASES)), None) or self.left_behind()

    def run_storms(self, chosen):
        self.start()
        for case in CASES * WARM:
            self.learn(case)
        self.level = self.server.descriptors()
        for seed in range(STORMS):
            if not chosen(f"storm {seed}"):
                continue
            self.trials += 1
            try:
                wrong = self.storm(seed)
            except AssertionError as never:
                wrong = str(never)
            if wrong:
                self.find(f"storm {seed}", wrong)
                self.restart(None, f"storm {seed}")
        wrong = self.server.quit()
        if wrong:
            self.find("storms", wrong[0])
