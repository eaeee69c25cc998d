"""Limits that many runs share: `runwright.concurrency.sync` and `runwright.concurrency.asyncio`."""
