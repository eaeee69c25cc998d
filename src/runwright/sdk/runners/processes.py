"""Runs submitted tasks in processes of their own, for work that holds the interpreter's lock.

The life of each task run stays in the flow's process (its record, retries, cache and hooks); only
the call of the user's function goes elsewhere. What it logs, and the tasks it calls, come back
into the flow's journal.
"""

import os
import threading
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any
from uuid import UUID

from runwright.api import msgpack
from runwright.api.journal import AnyEntry
from runwright.errors import CrashedRun, FlowError
from runwright.sdk.children import untold
from runwright.sdk.handlers.tasks import TaskHandler
from runwright.sdk.runners import process_calls
from runwright.sdk.runners.threads import ThreadPoolTaskRunner
from runwright.sdk.task_runner import Job
from runwright.sdk.unfinished import UnfinishedTasks

_ENTRY = msgpack.decoder(AnyEntry)


class ProcessPoolTaskRunner:
    """Up to `max_workers` tasks at once, one for each processor unless told otherwise.

    Functions, arguments and results travel as pickles. A script that uses it must start its flow
    below `if __name__ == "__main__":`, since each process loads the script again.
    """

    def __init__(self, max_workers: int | None = None, start_method: str = "spawn") -> None:
        """`start_method`: "spawn", or "forkserver" where there is one."""
        self.max_workers = max_workers
        self.start_method = start_method
        self._threads = ThreadPoolTaskRunner(max_workers or os.cpu_count() or 1)
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._entries: Any = None
        self._reader: threading.Thread | None = None
        self._channels: dict[UUID, Any] = {}
        self._arrived: dict[UUID, int] = {}
        self._unfinished = UnfinishedTasks()
        self._arrival = threading.Condition()

    def duplicate(self) -> "ProcessPoolTaskRunner":
        """A fresh one with the same options."""
        return ProcessPoolTaskRunner(self.max_workers, self.start_method)

    def submit(self, job: Job) -> None:
        """Run the job as soon as a process is free."""
        job.handler.call_elsewhere = self._call
        job.is_async = False  # its coroutine runs in the other process
        self._threads.submit(job)

    def drop(self, reason: str) -> None:
        """Begin no more jobs. Those that run go on."""
        self._threads.drop(reason)

    def shutdown(self, reason: str | None) -> None:
        """Wait for all jobs. With a reason, begin no more and end the processes."""
        pool = self._pool
        if pool is not None and reason is not None:
            for process in list((pool._processes or {}).values()):  # noqa: SLF001  # no other way
                process.terminate()
        self._threads.shutdown(reason)
        if pool is not None:
            pool.shutdown(wait=reason is None, cancel_futures=True)
        if self._reader is not None:
            self._entries.put(None)
            self._reader.join(5)

    def _call(self, handler: TaskHandler) -> Any:
        context = handler.context
        flow_run = context.flow_run
        if flow_run is None:
            raise FlowError(f"Task {context.task.name!r} was submitted outside of a flow.")
        payload = process_calls.packed(handler)
        pool = self._started()
        self._channels[context.task_run_id] = flow_run.channel
        try:
            with untold():
                answer = pool.submit(process_calls.call, payload).result()
        except BrokenExecutor as error:
            with self._lock:
                self._pool = None if self._pool is pool else self._pool
            for end in self._unfinished.ends(flow_run.flow_run_id):
                flow_run.channel.emit(end)
            raise CrashedRun(
                f"The process of task run {context.name!r} ended before the task did: it was "
                "killed, or ran out of memory, or called os._exit."
            ) from error
        value, error, count = process_calls.unpacked(answer)
        self._await_entries(context.task_run_id, count)
        if error is not None:
            raise error
        return value

    def _started(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._pool is None:
                multiprocessing = get_context(self.start_method)
                if self._entries is None:
                    self._entries = multiprocessing.SimpleQueue()
                    self._reader = threading.Thread(
                        target=self._read, name="runwright-task-entries", daemon=True
                    )
                    self._reader.start()
                self._pool = ProcessPoolExecutor(
                    self.max_workers or os.cpu_count() or 1,
                    mp_context=multiprocessing,
                    initializer=process_calls.begin,
                    initargs=(self._entries,),
                )
            return self._pool

    def _read(self) -> None:
        """Pass on what the processes write, in the order of each of them."""
        while True:
            message = self._entries.get()
            if message is None:
                return
            task_run_id, content = message
            channel = self._channels.get(task_run_id)
            if channel is not None:
                entry = _ENTRY.decode(content)
                self._unfinished.note(entry)
                channel.emit(entry)
            with self._arrival:
                self._arrived[task_run_id] = self._arrived.get(task_run_id, 0) + 1
                self._arrival.notify_all()

    def _await_entries(self, task_run_id: UUID, count: int) -> None:
        """The task's own entries come before the record of its end."""
        with self._arrival:
            self._arrival.wait_for(lambda: self._arrived.get(task_run_id, 0) >= count, 10)
            self._arrived.pop(task_run_id, None)
        self._channels.pop(task_run_id, None)
