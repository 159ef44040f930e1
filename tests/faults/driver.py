#!/usr/bin/env python3
"""Makes system calls and allocations of a muxd fail. tests/faults/run tells how it is used."""
import argparse
import functools
import re
import sys
import time
import zlib

from faulty_requests import Requests
from faulty_starts import FaultyReloads, FaultyStarts
from faulty_upgrades import FaultyUpgrades
from server import World

# Faults that were once borne badly: always tried.
KEPT = {
    "reload, worker: read 1 EIO",
    "return: accept4 1 EMFILE, return: poll 1 ENOMEM",
    "small file: select 1 ENOMEM",
    "try_files: stat64 1 on ENOMEM",
}
VALGRIND = ("valgrind", "--error-exitcode=99", "--leak-check=full", "--trace-children=yes",
            "--errors-for-leak-kinds=definite,indirect")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--library", required=True)
    parser.add_argument("--loop", default="epoll")
    parser.add_argument("--part", type=int, default=1, help="one fault of so many is tried")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    parser.add_argument("--case", default="", help="only cases whose name this expression matches")
    parser.add_argument("--fault", default="", help="only such faults")
    parser.add_argument("--what", default="requests,storms,several,starts,reloads,upgrades")
    parser.add_argument("--valgrind", action="store_true",
                        help="the requests in valgrind, with nothing that fails")
    parser.add_argument("--cold", action="store_true", help="a new server for each fault")
    return parser.parse_args()


def series(options, world):
    """What is to be done, one after the other: each is given the choice of faults."""
    common = (world, options.binary, options.library, options.loop)
    which = functools.partial(re.search, options.case)
    if options.valgrind:
        watched = Requests(*common, under=VALGRIND)
        yield watched, lambda chosen: watched.run_rightly(lambda case: which(case.name))
        return
    if "requests" in options.what:
        requests = Requests(*common, options.cold)
        yield requests, lambda chosen: requests.run(chosen, lambda case: which(case.name))
    if "storms" in options.what:
        storms = Requests(*common)
        yield storms, lambda chosen: storms.run_storms(chosen)
    if "several" in options.what:
        several = Requests(*common, workers=3)
        yield several, lambda chosen: several.run_storms(chosen)
    if "starts" in options.what:
        starts = FaultyStarts(*common)
        yield starts, starts.run
    if "reloads" in options.what:
        reloads = FaultyReloads(*common)
        yield reloads, reloads.run
    if "upgrades" in options.what:
        upgrades = FaultyUpgrades(*common)
        yield upgrades, upgrades.run


def main():
    options = arguments()
    begun, trials, reached, findings = time.monotonic(), 0, 0, 0
    world = World()

    def chosen(fault):
        text = str(fault)
        return (re.search(options.fault, text) and
                (text in KEPT or zlib.crc32(f"{options.seed} {text}".encode()) % options.part == 0))

    for one, run in series(options, world):
        try:
            run(chosen)
        finally:
            one.server.kill()
        trials, reached = trials + one.trials, reached + one.reached
        findings += len(one.findings)
    if not findings:
        world.remove()
    print(f"{trials} faults, {reached} of them reached")
    print(f"Ran {trials} tests in {time.monotonic() - begun:.0f}s\n")
    print(f"FAILED (failures={findings})" if findings else "OK")
    return bool(findings)


if __name__ == "__main__":
    sys.exit(main())
