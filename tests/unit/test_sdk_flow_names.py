"""A flow is named so that it can be found again."""

import pytest

from runwright import flow
from runwright.errors import FlowError


@pytest.mark.parametrize("name", ["team/etl", "100%", "a&b", "<x>"])
def test_a_name_that_no_address_can_hold_is_refused_where_it_is_given(name):
    with pytest.raises(FlowError, match="cannot name a flow"):

        @flow(name=name)
        def etl() -> None: ...


def test_other_names_are_fine():
    @flow(name="team.etl v2 (nightly)")
    def etl() -> None: ...

    assert etl.name == "team.etl v2 (nightly)"
