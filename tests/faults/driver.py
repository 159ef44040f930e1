#!/usr/bin/env python3
"""Makes system calls and allocations of a muxd fail. tests/faults/run tells how it is used."""
import argparse
import re
import sys
import time
import zlib

from faulty_requests import Requests
from server import World

# Faults that were once borne badly: always tried.
KEPT = {
    "try_files: stat64 1 on ENOMEM",
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--library", required=True)
    parser.add_argument("--loop", default="epoll")
    parser.add_argument("--part", type=int, default=1, help="one fault of so many is tried")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    parser.add_argument("--case", default="", help="only cases whose name this expression matches")
    parser.add_argument("--fault", default="", help="only such faults")
    parser.add_argument("--cold", action="store_true", help="a new server for each fault")
    return parser.parse_args()


def main():
    options = arguments()
    begun = time.monotonic()
    world = World()

    def chosen(fault):
        text = str(fault)
        return (re.search(options.fault, text) and (text in KEPT or
                zlib.crc32(f"{options.seed} {text}".encode()) % options.part == 0))

    requests = Requests(world, options.binary, options.library, options.loop, options.cold)
    try:
        requests.run(chosen, lambda case: re.search(options.case, case.name))
    finally:
        if requests.server.process:
            requests.server.kill()
        if not requests.findings:
            world.remove()
    print(f"{requests.trials} faults, {requests.reached} of them reached")
    print(f"Ran {requests.trials} tests in {time.monotonic() - begun:.0f}s\n")
    print(f"FAILED (failures={len(requests.findings)})" if requests.findings else "OK")
    return bool(requests.findings)


if __name__ == "__main__":
    sys.exit(main())
