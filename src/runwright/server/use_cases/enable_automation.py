"""An automation is enabled, disabled or replaced: what it remembers goes, and it begins anew."""

from typing import Any
from uuid import UUID

import msgspec

from runwright.api.automations import Trigger
from runwright.core.automations.judging import begin
from runwright.storage.automation_buckets import Memories, forget
from runwright.storage.automations import AUTOMATIONS, change_automation
from runwright.storage.engine import Transaction
from runwright.storage.queries import read_one


def enable_automation(tx: Transaction, automation_id: UUID, *, enabled: bool) -> bool:
    """Enable or disable; False where there is no such automation."""
    found = read_one(tx, AUTOMATIONS, automation_id)
    if found is None:
        return False
    if found.enabled != enabled:
        change_automation(tx, automation_id, {"enabled": enabled})
        begin_anew(tx, automation_id, found.trigger, enabled=enabled)
    return True


def begin_anew(
    tx: Transaction, automation_id: UUID, trigger: dict[str, Any], *, enabled: bool
) -> None:
    """Forget what was counted; wait from now on for what is waited for by itself."""
    forget(tx, automation_id)
    if enabled:
        memories = Memories(tx, automation_id)
        begin(msgspec.convert(trigger, Trigger), tx.now, memories)
        memories.save()
