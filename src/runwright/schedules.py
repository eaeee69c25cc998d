"""When deployments run: `flow.deploy(..., schedules=[Cron("0 9 * * 1-5")])`."""

from runwright.core.schedules.schedule import InvalidSchedule
from runwright.sdk.schedules import Cron, Interval, RRule, Schedule

__all__ = ["Cron", "Interval", "InvalidSchedule", "RRule", "Schedule"]
