"""Names for the identifiers that travel through every layer."""

from collections.abc import Callable
from typing import NewType
from uuid import UUID

FlowId = NewType("FlowId", UUID)
FlowRunId = NewType("FlowRunId", UUID)
TaskRunId = NewType("TaskRunId", UUID)
StateId = NewType("StateId", UUID)
DeploymentId = NewType("DeploymentId", UUID)
ScheduleId = NewType("ScheduleId", UUID)
WorkPoolId = NewType("WorkPoolId", UUID)
WorkQueueId = NewType("WorkQueueId", UUID)
#: One worker process. Two workers that share a name are two instances.
WorkerInstanceId = NewType("WorkerInstanceId", UUID)
#: One launch of one run: a process or a container. New at every claim.
ExecutionId = NewType("ExecutionId", UUID)
#: The fence. It grows at every claim, crash, reschedule and forced move; writes that carry an
#: older one are refused.
ClaimToken = NewType("ClaimToken", int)

#: Makes a new identifier; UUIDv7 in production, a seeded sequence in tests.
NewId = Callable[[], UUID]
