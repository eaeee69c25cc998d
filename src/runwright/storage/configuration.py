"""What administrators have set for the whole control plane, by name."""

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select

from runwright.storage.tables import configuration

if TYPE_CHECKING:
    from runwright.storage.engine import Transaction

_c = configuration.c
#: The id of the block that says where results go when nothing else does.
RESULT_STORAGE = "default_result_storage_block_id"


def configured(tx: "Transaction", name: str) -> Any:
    """What was set; None where nothing was."""
    return tx.execute(select(_c.value).where(_c.name == name)).scalar()


def configure(tx: "Transaction", name: str, value: Any) -> None:
    """Set something; None takes it back."""
    tx.execute(delete(configuration).where(_c.name == name))
    if value is not None:
        tx.execute(insert(configuration).values(name=name, value=value))
