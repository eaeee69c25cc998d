"""A flow of `flows.py`, several times: seconds each."""

import json
import sys
import time

from bench.programs import flows

called = getattr(flows, sys.argv[1])
flows.noop()
took = []
for _ in range(int(sys.argv[2])):
    begun = time.perf_counter()
    called()
    took.append(time.perf_counter() - begun)
print(json.dumps(took))
