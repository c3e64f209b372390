"""Shapley values of a game: the coalitions of its players to evaluate, and the share of each player.

The Shapley value of a player is what it adds to the players before it, averaged over all orders in which the players
can come (Shapley 1953, "A value for n-person games", Contributions to the Theory of Games II, 307-317). It is the only
way to share in which all shares sum to the gain, players who add the same get the same, a player who never adds
anything gets nothing, and the shares of a sum of games are the sums of the shares.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from math import comb
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Up to so many players all coalitions are evaluated, at most 4,094 of them.
MOST_PLAYERS = 12
#: Beyond, so many orders are drawn, each beside its reverse.
DRAWN_ORDERS = 64
SEED = 0


class Design(Protocol):
    """Coalitions to evaluate for a number of players.

    Attributes
    ----------
    count
        How many there are; the empty coalition and that of all players are not among them.
    """

    @property
    def count(self) -> int:
        """How many coalitions there are."""

    def members(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell who is in some of the coalitions, shape (n_coalitions, n_players)."""

    def share(
        self, inner: NDArray[np.float64], empty: NDArray[np.float64], full: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Share the gains of several games.

        Parameters
        ----------
        inner
            For each game the values of the coalitions, shape (n_games, count).
        empty, full
            For each game the value of no player and that of all, shape (n_games,).

        Returns
        -------
        numpy.ndarray
            What each player gets, shape (n_games, n_players); each row sums to ``full - empty``.
        """


class AllCoalitions:
    """Every coalition: Shapley values as they are defined.

    Parameters
    ----------
    players
        Number of players, one or more.
    """

    def __init__(self, players: int) -> None:
        self._players = players
        self.count = 2**players - 2

    def members(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell who is in some of the coalitions; see `Design`."""
        bits: NDArray[np.int64] = (numbers[:, None] + 1) >> np.arange(self._players)
        is_member: NDArray[np.bool_] = bits % 2 == 1
        return is_member

    def share(
        self, inner: NDArray[np.float64], empty: NDArray[np.float64], full: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Share the gains of several games; see `Design`."""
        values = np.concatenate([empty[:, None], inner, full[:, None]], axis=1)
        shares = np.empty((len(values), self._players))
        for player in range(self._players):
            apart = values.reshape(len(values), -1, 2, 2**player)
            added = apart[:, :, 1] - apart[:, :, 0]
            shares[:, player] = added.reshape(len(values), -1) @ self._weights
        return shares

    @cached_property
    def _weights(self) -> NDArray[np.float64]:
        """The share of all orders in which exactly the members of a coalition of the others come before a player."""
        sizes = np.bitwise_count(np.arange(2 ** (self._players - 1)))
        of_size = [1 / (self._players * comb(self._players - 1, size)) for size in range(self._players)]
        return np.array(of_size)[sizes]


class DrawnOrders:
    """The coalitions that form as the players come one after the other, in orders drawn at random.

    Each order is taken beside its reverse: who comes early in one comes late in the other, so that what pairs of
    players add together is shared equally without chance, and only what three or more add together is left to it
    (antithetic sampling: Mitchell, Cooper, Frank and Holmes 2022, "Sampling Permutations for Shapley Value
    Estimation", Journal of Machine Learning Research 23(43)). The gain of every order is shared wholly, and so is
    their mean. The seed is fixed: the same game is always shared the same way.

    Parameters
    ----------
    players
        Number of players, two or more.
    """

    def __init__(self, players: int) -> None:
        drawn = np.random.default_rng(SEED).permuted(np.tile(np.arange(players), (DRAWN_ORDERS, 1)), axis=1)
        #: The place of each player in each order, shape (n_orders, n_players).
        self._places = np.concatenate([drawn, players - 1 - drawn])
        self._players = players
        self.count = len(self._places) * (players - 1)

    def members(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell who is in some of the coalitions; see `Design`."""
        order, last = np.divmod(numbers, self._players - 1)
        return self._places[order] <= last[:, None]

    def share(
        self, inner: NDArray[np.float64], empty: NDArray[np.float64], full: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Share the gains of several games; see `Design`."""
        games, orders = len(inner), len(self._places)
        values = np.empty((games, orders, self._players + 1))
        values[:, :, 0], values[:, :, -1] = empty[:, None], full[:, None]
        values[:, :, 1:-1] = inner.reshape(games, orders, -1)
        added = np.diff(values, axis=2)
        shares: NDArray[np.float64] = np.take_along_axis(added, self._places[None], axis=2).mean(axis=1)
        return shares


@lru_cache(maxsize=64)
def design(players: int) -> Design:
    """Return the coalitions to evaluate for a number of players, one or more."""
    return AllCoalitions(players) if players <= MOST_PLAYERS else DrawnOrders(players)
