"""No-op flows by hand against the server: milliseconds each, from call to recorded."""

import json
import sys
import time

from bench.programs.flows import noop

count = int(sys.argv[1])
noop()
took = []
for _ in range(count):
    begun = time.perf_counter()
    noop()
    took.append((time.perf_counter() - begun) * 1000)
print(json.dumps(took))
