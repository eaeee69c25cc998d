"""A new key for what is sealed."""

from runwright.server.database import MAINTENANCE, opened
from runwright.server.use_cases.block_documents import rewrap_all
from runwright.server.vault import Vault


async def rotate(vault: Vault, database_url: str) -> tuple[str, int]:
    """Add a key, and put every block of the database under it; its id, and how many blocks."""
    async with opened(database_url, MAINTENANCE) as storage:
        key_id = vault.add_key()
        return key_id, await storage.write(lambda tx: rewrap_all(tx, vault))
