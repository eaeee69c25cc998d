"""Runs submitted tasks in threads of the flow's process, asynchronous ones in one event loop."""

import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from runwright.core.effects import RunStopped
from runwright.errors import ConfigurationError
from runwright.sdk.task_runner import Job

if TYPE_CHECKING:
    import asyncio

#: Enough for tasks that wait for the network. Threads start only when tasks have to wait.
_DEFAULT_WORKERS = 64
#: Seconds without any task ending after which waiting tasks get more threads, and how many.
_PATIENCE, _GROWTH = 0.001, 8


class ThreadPoolTaskRunner:
    """Up to `max_workers` tasks at once, 64 unless told otherwise.

    A task that waits for another one of the same pool runs it itself when nobody has begun it, so
    tasks may submit tasks without the pool ever running dry.
    """

    def __init__(self, max_workers: int | None = None) -> None:
        """`max_workers` limits the threads, and the asynchronous tasks in progress as well.

        Raises:
            ConfigurationError: `max_workers` is below 1.
        """
        if max_workers is not None and max_workers < 1:
            raise ConfigurationError(
                f"ThreadPoolTaskRunner(max_workers={max_workers}): it needs at least 1 worker."
            )
        self.max_workers = max_workers
        self._limit = max_workers or _DEFAULT_WORKERS
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._idle = threading.Semaphore(0)
        self._all_done = threading.Condition(self._lock)
        self._unfinished = 0
        self._ended_count = 0
        self._has_backlog = threading.Event()
        self._pause = threading.Event()
        self._is_closed = False
        self._grower: threading.Thread | None = None
        self._threads: list[threading.Thread] = []
        self._stopping: str | None = None
        self._loop: _LoopThread | None = None

    def duplicate(self) -> "ThreadPoolTaskRunner":
        """A fresh one with the same options."""
        return ThreadPoolTaskRunner(self.max_workers)

    def submit(self, job: Job) -> None:
        """Run the job as soon as a thread is free."""
        with self._lock:
            if self._stopping is None:
                self._unfinished += 1
        if self._stopping is not None:
            job.drop(self._stopping)
            return
        if job.is_async:
            self._loop_thread().start_job(job, self._job_ended)
            return
        job.future.help = lambda: self._help(job)
        self._jobs.put(job)
        if not self._idle.acquire(blocking=False):
            if not self._threads:
                self._add_thread()
            elif not self._has_backlog.is_set():
                self._call_grower()

    def shutdown(self, reason: str | None) -> None:
        """Wait for all jobs. With a reason, begin no more and interrupt those that run."""
        if reason is not None:
            self._interrupt(reason)
        with self._lock:
            self._all_done.wait_for(lambda: self._unfinished == 0, 5 if reason else None)
            self._stopping = self._stopping or "shutdown"
            self._is_closed = True
        self._pause.set()
        self._has_backlog.set()
        for _ in self._threads:
            self._jobs.put(None)
        if reason is None:
            for thread in self._threads:
                thread.join()
        if self._loop is not None:
            self._loop.stop()

    def drop(self, reason: str) -> None:
        """Begin no more jobs. Those that run go on."""
        with self._lock:
            self._stopping = reason
            if self._loop is not None:
                self._loop.dropping = reason
        while True:
            try:
                job = self._jobs.get_nowait()
            except Empty:
                break
            if job is not None and job.claim():
                job.drop(reason)
                self._job_ended()

    def _interrupt(self, reason: str) -> None:
        # Late: a run that is not stopped needs neither.
        from runwright.sdk.stopping import BY_REASON, ShutDown
        from runwright.sdk.timeouts import raise_in_thread

        self.drop(reason)
        for thread in self._threads:
            if thread.ident is not None:
                raise_in_thread(thread.ident, BY_REASON.get(reason, ShutDown))
        if self._loop is not None:
            self._loop.interrupt()

    def _call_grower(self) -> None:
        with self._lock:
            if self._grower is None and self._limit > 1:
                self._grower = threading.Thread(
                    target=self._grow, name="runwright-task-grower", daemon=True
                )
                self._grower.start()
        self._has_backlog.set()

    def _grow(self) -> None:
        """Add threads while tasks wait and none ends: many quick tasks are quickest on few."""
        while self._stopping is None and len(self._threads) < self._limit:
            self._has_backlog.wait()
            before = self._ended_count
            self._pause.wait(_PATIENCE)
            waiting = self._jobs.qsize()
            if not waiting:
                self._has_backlog.clear()
                if self._jobs.qsize():  # one came in between
                    self._has_backlog.set()
            elif self._ended_count == before:
                room = self._limit - len(self._threads)
                for _ in range(min(_GROWTH, waiting, room)):
                    self._add_thread()

    def _add_thread(self) -> None:
        with self._lock:
            if len(self._threads) >= self._limit or self._is_closed:
                return
            thread = threading.Thread(
                target=self._work, name=f"runwright-task-{len(self._threads)}", daemon=True
            )
            thread.start()  # with the lock held: `shutdown` joins only what has started
            self._threads.append(thread)

    def _work(self) -> None:
        _here.pool = self
        while True:
            try:
                job = self._next_job()
                if job is None:
                    return
                if job.claim():
                    job.run()
                    self._job_ended()
            except RunStopped:  # came between two jobs
                return

    def _next_job(self) -> Job | None:
        try:
            return self._jobs.get_nowait()
        except Empty:
            self._idle.release()
            return self._jobs.get()

    def _help(self, job: Job) -> bool:
        """Run the job in the waiting thread, if that is one of this pool's."""
        if getattr(_here, "pool", None) is not self or not job.claim():
            return False
        job.run()
        self._job_ended()
        return True

    def _job_ended(self) -> None:
        with self._lock:
            self._unfinished -= 1
            self._ended_count += 1
            if not self._unfinished:
                self._all_done.notify_all()

    def _loop_thread(self) -> "_LoopThread":
        with self._lock:
            if self._loop is None:
                self._loop = _LoopThread(self.max_workers)
            return self._loop


_here = threading.local()


class _LoopThread:
    """An event loop in a thread of its own."""

    def __init__(self, limit: int | None) -> None:
        import asyncio  # late: synchronous flows do without

        self._loop: asyncio.AbstractEventLoop = asyncio.new_event_loop()
        self._room = asyncio.Semaphore(limit) if limit else None
        self._tasks: set[asyncio.Task[Any]] = set()
        #: Why those that still wait for room begin no more.
        self.dropping: str | None = None
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="runwright-task-loop", daemon=True
        )
        self._thread.start()

    def start_job(self, job: Job, ended: Any) -> None:
        """Start the job in the loop; `ended()` is called when it has ended."""

        def start() -> None:
            task = self._loop.create_task(self._run(job), context=job.context)
            self._tasks.add(task)
            task.add_done_callback(done)

        def done(task: "asyncio.Task[Any]") -> None:
            self._tasks.discard(task)
            ended()

        self._loop.call_soon_threadsafe(start)

    async def _run(self, job: Job) -> None:
        if self._room is None:
            await job.run_async()
            return
        async with self._room:
            if self.dropping is None:
                await job.run_async()
            else:
                job.drop(self.dropping)

    def interrupt(self) -> None:
        """Cancel what runs."""

        def cancel() -> None:
            for task in list(self._tasks):
                task.cancel()

        self._loop.call_soon_threadsafe(cancel)

    def stop(self) -> None:
        """End the loop."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        if not self._thread.is_alive():
            self._loop.close()
