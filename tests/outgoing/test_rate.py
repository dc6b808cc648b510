"""The budget of requests a minute that all threads share."""

import threading
from collections.abc import Callable

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from agent.outgoing import Outgoing, Rate


class Time:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.nanoseconds = 10**15

    def now(self) -> int:
        return self.nanoseconds

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.nanoseconds += round(seconds * 1e9)


def paced(per_minute: int, time: Time, burst: int | None = None) -> Rate:
    return Rate(per_minute, burst=burst, monotonic=time.now, sleep=time.sleep)


@given(st.integers(2, 90), st.lists(st.sampled_from([0, 0, 0, 1, 700, 20_000]), min_size=100, max_size=200))
def test_no_minute_holds_more_than_the_budget(per_minute: int, idle: list[int]) -> None:
    """However calls and idle times mix, any 60 seconds see at most `per_minute` permits."""
    time, taken = Time(), []
    rate = paced(per_minute, time)
    for milliseconds in idle:
        time.nanoseconds += milliseconds * 1_000_000
        rate.take(1e9)
        taken.append(time.now())
    for index, start in enumerate(taken):
        assert sum(start <= t < start + 60 * 10**9 for t in taken[index:]) <= per_minute


def test_steady_load_uses_the_budget() -> None:
    """2,000 calls at 1,000 a minute take about two minutes: at most 5 % are given away for safety."""
    time = Time()
    rate = paced(1000, time)
    start = time.now()
    for _ in range(2000):
        rate.take(1e9)
    assert 120 <= (time.now() - start) / 1e9 <= 126


def test_small_load_is_not_held_up() -> None:
    """One sync of one company, ten calls, waits for nothing."""
    time = Time()
    rate = paced(1000, time)
    start = time.now()
    for _ in range(10):
        rate.take(1e9)
    assert time.now() == start


def test_pause_holds_everybody() -> None:
    """After Retry-After 30 the next permit is 30 seconds away, whoever asks; a shorter pause takes nothing back."""
    time = Time()
    rate = paced(1000, time)
    start = time.now()
    rate.pause(30)
    rate.pause(5)
    assert rate.take(60) == 0
    assert (time.now() - start) / 1e9 == pytest.approx(30)


def test_pause_beyond_patience_is_told_at_once() -> None:
    """The caller learns how long instead of waiting, and an hour is the longest."""
    time = Time()
    rate = paced(1000, time)
    rate.pause(100_000)
    assert rate.take(60) == pytest.approx(3600)


def test_throttled_read_pauses_the_others() -> None:
    """A 429 on one thread's read delays the next read of the same vendor."""
    time = Time()
    outgoing = Outgoing(base_url="https://psa.example", rate=paced(600, time), sleep=lambda _: None)
    with responses.RequestsMock() as vendor:
        vendor.get("https://psa.example/a", status=429, headers={"Retry-After": "20"})
        vendor.get("https://psa.example/a", json={})
        start = time.now()
        outgoing.read("GET", "/a")
    assert (time.now() - start) / 1e9 == pytest.approx(20)


@pytest.mark.parametrize("burst", [0, 26])
def test_burst_stays_below_a_quarter(burst: int) -> None:
    """A larger one would let nearly twice the budget through in the first minute of a vendor's own count."""
    with pytest.raises(ValueError, match="burst"):
        Rate(100, burst=burst)


def test_threads_share_it() -> None:
    """Eight threads that take 30 permits each all come through, none twice and none never."""
    rate, done = Rate(6000), []

    def work() -> None:
        for _ in range(30):
            rate.take(60)
            done.append(1)

    _together(work, 8)
    assert len(done) == 240


def _together(work: Callable[[], None], count: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
