"""What Postgres says while it goes away, starts or is full is no error of the server."""

import pytest
from sqlalchemy.exc import DBAPIError

from runwright.storage.errors import StorageFull, StorageUnavailable
from runwright.storage.postgres import _explained


class Said(Exception):
    def __init__(self, sqlstate):
        super().__init__("the database system is starting up")
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("sqlstate", "becomes"),
    [
        ("57P01", StorageUnavailable),  # shut down by its administrator
        ("57P03", StorageUnavailable),  # starting up
        ("08006", StorageUnavailable),
        ("53300", StorageUnavailable),  # too many connections
        ("53100", StorageFull),
        ("40P01", StorageUnavailable),
        ("23505", DBAPIError),  # that is the statement's fault
    ],
)
def test_states_of_postgres_in_our_words(sqlstate, becomes):
    error = DBAPIError("INSERT", None, Said(sqlstate))

    assert isinstance(_explained(error), becomes)
