"""DBOS: steps of one workflow, each recorded in Postgres before it returns. Milliseconds a step."""

import json
import sys
import time

from dbos import DBOS

url, count = sys.argv[1], int(sys.argv[2])
DBOS(config={"name": "bench", "system_database_url": url, "log_level": "ERROR"})


@DBOS.step()
def nothing(number: int) -> int:
    return number


@DBOS.workflow()
def many(times: int) -> int:
    return sum(nothing(number) for number in range(times))


DBOS.launch()
many(5)
begun = time.perf_counter()
many(count)
took = time.perf_counter() - begun
DBOS.destroy()
print(json.dumps(took * 1000 / count))
