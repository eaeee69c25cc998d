"""Runs submitted tasks in threads of the flow's process; asynchronous ones on their own loops."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from runwright.core.effects import RunStopped
from runwright.errors import ConfigurationError
from runwright.sdk.compensation import here, is_inside_loop, wait_in_slices
from runwright.sdk.task_runner import Job

if TYPE_CHECKING:
    from runwright.sdk.runners.coroutines import CoroutineCaller, SharedLoop

#: Enough for tasks that wait for the network. Threads start only when tasks have to wait.
_DEFAULT_WORKERS = 64
#: Threads of one runner at most, with those that take the places of waiting ones.
_MOST_THREADS = 512
#: Seconds without any task ending after which waiting tasks get more threads, and how many.
_PATIENCE, _GROWTH = 0.001, 8
#: A task that waits for another runs it itself. So many at most, each inside of the one before.
_MOST_NESTED = 16
#: Seconds that interrupted tasks have to come to an end.
_STOP_GRACE = 5.0


class ThreadPoolTaskRunner:
    """Up to `max_workers` tasks at once, 64 unless told otherwise.

    Tasks that wait for others do not count: one that nobody has begun is run by the task that
    waits for it, else another thread takes the place of the waiting one. So tasks may submit
    tasks without the pool ever running dry.
    """

    def __init__(self, max_workers: int | None = None) -> None:
        """`max_workers` limits synchronous and asynchronous tasks alike.

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
        self._places: list[_Place] = []
        self._thread_count = 0
        #: Places whose threads wait for other tasks.
        self._waiting = 0
        self._stopping: str | None = None
        self._shared_loop: SharedLoop | None = None

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
        job.future.help = lambda at_any_depth=False: self._help(job, at_any_depth)
        self._jobs.put(job)
        if not self._idle.acquire(blocking=False):
            if not self._places:
                self._add_first_thread(job)
            elif not self._has_backlog.is_set():
                self._call_grower()

    def shutdown(self, reason: str | None) -> None:
        """Wait for all jobs. With a reason, begin no more and interrupt those that run."""
        if reason is not None:
            self._interrupt(reason)
        wait_in_slices(self._are_all_done, _STOP_GRACE if reason else None)
        with self._lock:
            self._stopping = self._stopping or "shutdown"
            self._is_closed = True
        self._pause.set()
        self._has_backlog.set()
        places = list(self._places)
        for _ in places:
            self._jobs.put(None)
        if reason is None:
            for place in places:
                place.thread.join()
        if self._shared_loop is not None:
            self._shared_loop.stop()

    def drop(self, reason: str) -> None:
        """Begin no more jobs. Those that run go on."""
        with self._lock:
            self._stopping = reason
        while True:
            try:
                job = self._jobs.get_nowait()
            except Empty:
                break
            if job is not None:
                self._perform(job)

    def place_for_guest(self) -> "_Place":
        """For a thread that a task has started, and that is about to wait for another task."""
        return _Place(self)

    def _are_all_done(self, seconds: float) -> bool:
        with self._lock:
            return self._all_done.wait_for(lambda: self._unfinished == 0, seconds)

    def _interrupt(self, reason: str) -> None:
        self.drop(reason)
        for place in list(self._places):
            place.interrupt(reason)
        if self._shared_loop is not None:
            self._shared_loop.cancel()

    # How many threads there are.

    def begin_wait(self) -> bool:
        """A thread waits: another may take its place. False: there are too many already."""
        with self._lock:
            self._waiting += 1
            has_room = self._thread_count < _MOST_THREADS
        if has_room and self._jobs.qsize() and not self._has_backlog.is_set():
            self._call_grower()
        return has_room

    def end_wait(self) -> None:
        """It goes on."""
        with self._lock:
            self._waiting -= 1

    def _room(self) -> int:
        return min(self._limit + self._waiting, _MOST_THREADS) - self._thread_count

    def _call_grower(self) -> None:
        if self._grower is None:
            with self._lock:
                if self._grower is None:
                    self._grower = threading.Thread(
                        target=self._grow, name="runwright-task-grower", daemon=True
                    )
                    self._grower.start()
        self._has_backlog.set()

    def _grow(self) -> None:
        """Add threads while tasks wait and none ends: many quick tasks are quickest on few."""
        while self._stopping is None:
            self._has_backlog.wait()
            before = self._ended_count
            self._pause.wait(_PATIENCE)
            waiting = self._jobs.qsize()
            if waiting and self._ended_count != before:
                continue
            room = self._room() if waiting else 0
            try:
                for _ in range(min(_GROWTH, waiting, room)):
                    self._add_thread()
            except RuntimeError:  # the system gives no more: those that there are go on
                room = 0
            if waiting and room <= 0 and self.max_workers is None:
                self._share_loop(waiting)
            if room <= 0:
                self._has_backlog.clear()
                if self._jobs.qsize() and self._room() > 0:  # one came in between
                    self._has_backlog.set()

    def _share_loop(self, waiting: int) -> None:
        """Have asynchronous tasks of the flow itself share a loop: no thread is left for them.

        Those that tasks have submitted wait for a thread: who waits for them may block a loop.
        """
        for _ in range(waiting):
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return
            if job is None or not job.is_async or job.handler.context.parent is not None:
                self._jobs.put(job)
            elif job.claim():
                if self._shared_loop is None:
                    from runwright.sdk.runners.coroutines import SharedLoop

                    self._shared_loop = SharedLoop()
                self._shared_loop.start_job(job, self._job_ended)

    def _add_first_thread(self, job: Job) -> None:
        try:
            self._add_thread()
        except RuntimeError:  # the system gives none
            if job.claim():
                self._job_ended()
            raise

    def _add_thread(self) -> None:
        with self._lock:
            if self._is_closed or self._room() <= 0:
                return
            place = _Place(self)
            place.thread = threading.Thread(
                target=self._work,
                args=(place,),
                name=f"runwright-task-{self._thread_count}",
                daemon=True,
            )
            place.thread.start()  # with the lock held: `shutdown` joins only what has started
            self._places.append(place)
            self._thread_count += 1

    # What follows runs in the threads.

    def _work(self, place: "_Place") -> None:
        here.place = place
        try:
            while (job := self._next_job()) is not None:
                self._perform(job, place)
                if self._thread_count > self._limit and self._leaves(place):
                    return
        except RunStopped:  # came between two jobs
            return
        finally:
            place.close()

    def _next_job(self) -> Job | None:
        try:
            return self._jobs.get_nowait()
        except Empty:
            self._idle.release()
            return self._jobs.get()

    def _leaves(self, place: "_Place") -> bool:
        """It took the place of a thread that has waited: is it one too many now?"""
        with self._lock:
            if self._room() >= 0:
                return False
            self._places.remove(place)
            self._thread_count -= 1
            return True

    def _perform(self, job: Job, place: "_Place | None" = None) -> None:
        """Run the job, unless somebody else does; without a place, or in the end, drop it."""
        if not job.claim():
            return
        try:
            reason = self._stopping
            if reason is not None:
                job.drop(reason)
            elif place is not None:
                if job.is_async:
                    job.handler.call_elsewhere = place.coroutines().call
                job.run()
        except BaseException as error:
            job.abort(error)  # it came before the job could see to it
            raise
        finally:
            self._job_ended()

    def _help(self, job: Job, at_any_depth: bool) -> bool:
        """Run the job in the waiting thread, if that is one of this pool's."""
        place = here.place
        if not isinstance(place, _Place) or place.pool is not self:
            return False
        if not place.may_help(job, at_any_depth) or not job.claim():
            return False
        place.nested += 1
        try:
            if job.is_async:
                job.handler.call_elsewhere = place.coroutines().call
            job.run()
        finally:
            place.nested -= 1
            self._job_ended()
        return True

    def _job_ended(self) -> None:
        with self._lock:
            self._unfinished -= 1
            self._ended_count += 1
            if not self._unfinished:
                self._all_done.notify_all()


class _Place:
    """The place of a thread in the pool."""

    def __init__(self, pool: ThreadPoolTaskRunner) -> None:
        self.pool = pool
        self.thread: threading.Thread = threading.current_thread()
        #: How many tasks run in the thread, each inside of a wait of the one before.
        self.nested = 0
        self._coroutines: CoroutineCaller | None = None
        self._waits = 0

    @contextmanager
    def waiting(self) -> Iterator[bool]:
        """While inside, another thread may take the place. An event loop may wait for several."""
        self._waits += 1
        is_first = self._waits == 1
        is_replaced = self.pool.begin_wait() if is_first else True
        try:
            yield is_replaced
        finally:
            self._waits -= 1
            if not self._waits:
                self.pool.end_wait()

    def may_help(self, job: Job, at_any_depth: bool) -> bool:
        """Whether the thread can run the job in the middle of another one."""
        if is_inside_loop():
            # What runs there cannot start a loop of its own. But rather that than nothing.
            return at_any_depth and not job.is_async
        return at_any_depth or self.nested < _MOST_NESTED

    def coroutines(self) -> "CoroutineCaller":
        """The thread's event loop, once it is needed."""
        if self._coroutines is None:
            from runwright.sdk.runners.coroutines import CoroutineCaller  # late: it loads asyncio

            self._coroutines = CoroutineCaller()
        return self._coroutines

    def interrupt(self, reason: str) -> None:
        """End what runs in the thread."""
        # Late: a run that is not stopped needs neither.
        from runwright.sdk.stopping import BY_REASON, ShutDown
        from runwright.sdk.timeouts import raise_in_thread

        if self._coroutines is not None and self._coroutines.cancel(reason):
            return
        if self.thread.ident is not None:
            raise_in_thread(self.thread.ident, BY_REASON.get(reason, ShutDown))

    def close(self) -> None:
        """The thread ends."""
        here.place = None
        if self._coroutines is not None:
            self._coroutines.close()
