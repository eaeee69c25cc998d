"""What the present code may know of its run: `runtime.flow_run.id`, `runtime.task_run.name`, ...

Looked up whenever it is asked for; None outside of runs. For tests every name can be set from
the environment: `RUNWRIGHT__RUNTIME__FLOW_RUN__NAME=nightly`.
"""

from runwright.runtime import deployment, flow_run, task_run

__all__ = ["deployment", "flow_run", "task_run"]
