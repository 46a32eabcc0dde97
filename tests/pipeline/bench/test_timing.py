import pytest

from pipeline.bench.timing import interleave, interval, ratio


def test_contenders_take_turns_after_a_warm_up():
    calls = []
    told = []
    seconds = interleave(
        {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 3, lambda done, total: told.append(done)
    )
    assert "".join(calls) == "ab" + "ab" * 3
    assert [len(found) for found in seconds.values()] == [3, 3]
    assert told == [1, 2, 3]


def test_a_busy_moment_that_hits_both_leaves_the_ratio_alone():
    assert ratio([2, 2, 200], [1, 1, 100]) == 2
    assert interval([2, 2, 200], [1, 1, 100]) == (2, 2)


def test_the_interval_holds_the_ratio():
    slow, fast = [3.0, 4.0, 5.0, 4.2, 3.9], [1.0] * 5
    low, high = interval(slow, fast)
    assert ratio(slow, fast) == pytest.approx(4.0)
    assert low <= 4.0 <= high
    assert low < high
