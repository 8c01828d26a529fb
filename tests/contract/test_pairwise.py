"""The choice of variants: every pair that there is, in few of them."""

from itertools import product

from .pairwise import covering, pairs


def test_every_pair_occurs_in_half_of_the_combinations() -> None:
    cases = [{"style": style, "backend": backend, "mode": mode} for style, backend, mode in product("sln", "qp", "mar")]
    chosen = covering(cases)
    assert set().union(*(pairs(cases[index]) for index in chosen)) == set().union(*map(pairs, cases))
    assert len(chosen) == 9


def test_with_one_or_two_parameters_there_is_nothing_to_leave_out() -> None:
    assert covering([{"style": style} for style in "sln"]) == [0, 1, 2]
    assert covering([{"style": style, "backend": backend} for style, backend in product("sln", "qp")]) == [*range(6)]


def test_a_combination_that_is_not_there_is_not_missed() -> None:
    assert covering([{"a": "1", "b": "1", "c": "1"}, {"a": "2", "b": "2", "c": "1"}]) == [0, 1]
    assert covering([{}]) == [0]
