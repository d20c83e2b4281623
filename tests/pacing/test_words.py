"""Status for people."""

import asyncio

import pytest
import virtual_time
from world import call, origin

from daemon.model import Finding, Limit, Priority
from daemon.pacing import Blocked, Pacer
from daemon.phrases import told


def test_status_says_what_limits_a_pool_and_when_each_call_will_go() -> None:
    """The pool in one sentence; each waiting call with place, cause, absolute time and range."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        where = origin(Limit("requests", 2, 60.0, "minute"), minute_s=60.0)
        pacer = Pacer(clock=loop.time, wall=lambda: 5e8 + loop.time())
        for name in ("a", "b"):
            (await pacer.acquire(call(name, where))).answered(200, (), streamed=False)
        later = [call(name, where, priority=Priority.BATCH, ref=f"ours-{name}") for name in "cde"]
        waiting = [asyncio.create_task(pacer.acquire(one)) for one in later]
        await asyncio.sleep(1)
        status = pacer.pools()[0]
        assert status["state"] == "limited"
        assert status["words"].startswith("limited by requests per minute: 2 of 2 used, next slot in 59")
        rows = pacer.queue()
        assert [(row["id"], row["place"]) for row in rows] == [("c", 1), ("d", 2), ("e", 3)]
        assert rows[0]["ref"] == "ours-c"
        assert rows[0]["waits_for"] == "requests per minute used up"
        assert told(rows, "ko")[0]["waits_for"] == "분당 요청 한도를 다 썼어요"
        assert told(status, "ko")["words"].startswith("분당 요청 한도에 걸렸어요. 2 중 2 사용, 다음 자리는 59")
        assert told(status, "zh")["words"].startswith("受限于每分钟请求数的限额：2 里用了 2，59")
        assert (rows[0]["dimension"], rows[0]["window"], rows[0]["priority"]) == ("requests", "minute", "batch")
        first, last = (row["eta_at"] - 5e8 - loop.time() for row in (rows[0], rows[2]))
        assert 58 < first < 60
        assert 118 < last < 121
        assert rows[0]["eta_low_at"] <= rows[0]["eta_at"] <= rows[0]["eta_high_at"]
        assert rows[0]["since"] == 5e8 + 1000
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await pacer.close()

    virtual_time.run(main())


def test_a_blocked_pool_says_that_waiting_does_not_help() -> None:
    """A person must act; half a minute later the next call tries, and nobody is told that it is blocked."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pacer = Pacer(clock=loop.time)
        permit = await pacer.acquire(call("a", origin()))
        permit.refused(Finding("insufficient_quota", "quota", "never", "sure", status=429))
        permit.release()
        status = pacer.pools()[0]
        assert status["state"] == "blocked"
        assert "a person must put this right" in status["words"]
        with pytest.raises(Blocked):
            await pacer.acquire(call("b", origin()))
        await asyncio.sleep(600)
        status = pacer.pools()[0]
        assert (status["state"], status["blocked"]["due"]) == ("idle", True)
        assert status["words"] == "refused 10 min ago: insufficient quota; the next call tries whether it works again"
        await pacer.close()

    virtual_time.run(main())
