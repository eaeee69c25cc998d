"""What the machine can do at best: no engine is faster than these."""

import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path


def fsyncs_a_second(folder: Path) -> float:
    """Of a small file that grows by a page each time."""
    with (folder / "fsync").open("wb", buffering=0) as file:
        return _rate(lambda: (file.write(b"x" * 4096), os.fsync(file.fileno())))


def commits_a_second(folder: Path, rows: int) -> float:
    """Rows a second into SQLite, durable, so many in a transaction."""
    connection = sqlite3.connect(folder / f"rows-{rows}.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)")

    def commit() -> None:
        connection.execute("BEGIN IMMEDIATE")
        for _ in range(rows):
            connection.execute("INSERT INTO t (text) VALUES (?)", ("x" * 200,))
        connection.execute("COMMIT")

    found = _rate(commit) * rows
    connection.close()
    return found


def round_trips_a_second() -> float:
    """A byte there and back over loopback TCP, between two threads."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def echo() -> None:
            peer, _ = listener.accept()
            with peer:
                while data := peer.recv(64):
                    peer.sendall(data)

        threading.Thread(target=echo, daemon=True).start()
        with socket.create_connection(listener.getsockname()) as mine:
            mine.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return _rate(lambda: (mine.sendall(b"x"), mine.recv(64)))


def process_start_ms() -> float:
    """Of a Python that does nothing."""
    command = [sys.executable, "-S", "-c", "pass"]
    return 1000 / _rate(lambda: subprocess.run(command, check=True))


def fork_ms() -> float:
    """Of a process that ends at once, until it has been waited for."""

    def once() -> None:
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)

    return 1000 / _rate(once)


def heavy_s() -> float:
    """The work of the flow `heavy` in a Python without any engine."""
    program = (
        "import time\ndef f(n): return n if n < 2 else f(n - 1) + f(n - 2)\n"
        "t = time.perf_counter()\nfor _ in range(10): f(30)\nprint(time.perf_counter() - t)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    return float(done.stdout)


def _rate(do: object, seconds: float = 1.0) -> float:
    count, begun = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - begun) < seconds:
        do()  # type: ignore[operator]
        count += 1
    return count / elapsed
