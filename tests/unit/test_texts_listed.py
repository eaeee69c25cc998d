"""Lists in messages say when they are cut."""

from runwright.core.texts import listed


def test_a_list_says_how_many_more_there_are():
    assert listed(["a", "b"], 2) == "a, b"
    assert listed(["a", "b", "c"], 2) == "a, b and 1 more"
    assert listed([str(n) for n in range(2_010)]).endswith("9 and 2,000 more")
