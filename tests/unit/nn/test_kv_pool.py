"""Which cached sequence a prompt goes on from, and which one is given up."""

from __future__ import annotations

import pytest

from fim_lsp.nn.kv_pool import WORTH, Pool
from fim_lsp.nn.token_cache import TokenCache

HERE, THERE, ELSEWHERE = ([first, *range(100, 100 + 2 * WORTH)] for first in (1, 2, 3))


class Sized(TokenCache):
    @property
    def nbytes(self) -> int:
        return 10 * self.capacity


class Weightless:
    def new_cache(self, capacity: int) -> Sized:
        return Sized(capacity)


@pytest.fixture
def pool() -> Pool:
    return Pool(Weightless(), capacity=100, most_bytes=2000)  # two places


def visit(pool: Pool, prompt: list[int]) -> int:
    """Run a prompt and return how much of it was there."""
    cache = pool.take(prompt)
    assert cache.ids == prompt[: len(cache)]
    reused = len(cache)
    cache.ids.extend(prompt[reused:])
    return reused


def test_typing_on_goes_on_in_the_same_cache(pool):
    assert visit(pool, HERE) == 0
    assert visit(pool, [*HERE, 7]) == len(HERE)
    assert visit(pool, [*HERE, 8]) == len(HERE)
    assert len(pool.caches) == 1


def test_a_place_left_and_found_again_is_still_warm(pool):
    visit(pool, HERE)
    assert visit(pool, THERE) == 0
    assert visit(pool, [*HERE, 7]) == len(HERE)
    assert visit(pool, [*THERE, 7]) == len(THERE)


def test_the_place_visited_longest_ago_is_given_up(pool):
    for place in (HERE, THERE, HERE, ELSEWHERE):
        visit(pool, place)
    assert len(pool.caches) == 2
    assert pool.shared([*HERE, 7]) == len(HERE)
    assert pool.shared([*THERE, 7]) == 0


def test_looking_changes_nothing(pool):
    visit(pool, HERE)
    visit(pool, THERE)
    assert pool.shared([*HERE, 7]) == len(HERE)
    visit(pool, ELSEWHERE)
    assert pool.shared([*HERE, 7]) == 0


def test_most_of_a_short_sequence_is_worth_going_on_from(pool):
    visit(pool, HERE[:4])
    other = [*HERE[:3], 7]
    assert pool.shared(other) == visit(pool, other) == 3
    assert pool.shared(HERE) == visit(pool, HERE) == 3  # as after a first chunk and a cancel
    assert len(pool.caches) == 1


def test_too_little_in_common_is_not_counted_as_there(pool):
    visit(pool, HERE)
    other = [1, 100, *range(500, 600)]
    assert pool.shared(other) == visit(pool, other) == 0
    assert pool.shared([*HERE, 7]) == len(HERE)


def test_a_budget_for_less_than_one_cache_still_has_one():
    pool = Pool(Weightless(), capacity=100, most_bytes=0)
    assert [visit(pool, place) for place in (HERE, HERE, THERE)] == [0, len(HERE) - 1, 0]
    assert len(pool.caches) == 1


def test_what_is_forgotten_is_computed_again(pool):
    visit(pool, HERE)
    visit(pool, THERE)
    pool.forget()
    assert pool.shared(HERE) == pool.shared(THERE) == 0
    assert len(pool.caches) == 1
