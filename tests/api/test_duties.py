"""The loop that every background duty runs in, and which duties a server has."""

import asyncio
import logging

from runwright.server.duties import Duty, duties_of, run_duty


def test_without_a_scheduler_the_other_duties_remain(api):
    whole = {duty.name: duty.interval for duty in duties_of(api.wiring, with_scheduler=True)}
    rest = {duty.name for duty in duties_of(api.wiring, with_scheduler=False)}
    assert whole.keys() - rest == {"scheduler"}
    assert (whole["scheduler"], whole["late marker"], whole["pruner"]) == (1.0, 5.0, 3600.0)
    assert whole["reaper"] == api.wiring.settings.reaper_interval


def test_every_duty_does_a_pass_on_a_fresh_database(api):
    for duty in duties_of(api.wiring, with_scheduler=True):
        api.run(duty.one_pass())


def test_a_pass_that_fails_is_told_and_repeated(caplog):
    passes = []

    async def body():
        stopping = asyncio.Event()

        async def one_pass():
            passes.append(1)
            if len(passes) == 2:
                raise OSError("no space")
            if len(passes) == 4:
                stopping.set()

        # The shortest pauses: a failure's first second is cut to a tenth less.
        duty = Duty("sweeper", one_pass, 0.001)
        await asyncio.wait_for(run_duty(duty, stopping, lambda: 0.0), 10)

    with caplog.at_level(logging.ERROR, "runwright.server"):
        asyncio.run(body())
    assert len(passes) == 4
    assert "the sweeper failed; it tries again in 1 s" in caplog.text
