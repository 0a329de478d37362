"""A way that bends around holes: the shortest one on a graph of codes, drawn tight.

Some thousand codes are the nodes, each tied to its nearest neighbours. A step costs how far the decoder's output moves, times
1 + 20 e^d, averaged along the step, where d is how many nats the density of codes lies below that of a hole's edge
(`Holes.depth`): 21 times at the edge, many times more in a hole, twice where codes are twenty times as dense as at the edge.
The cheapest path is smoothed like a band of rubber that may not be pulled into a hole. Of the path, the band and the straight
line the cheapest is the way, so that it never costs more than going straight.

Sources: Arvanitidis, Hansen & Hauberg 2018, "Latent space oddity" (distances of outputs, and a price on places without data);
Chen et al. 2019, "Fast approximate geodesics for deep generative models" (the graph of codes).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree

from latentwalk.arrays import Array
from latentwalk.latent.encoded import Encoded
from latentwalk.latent.holes import Holes
from latentwalk.latent.moves.paths import along, straight

__all__ = ["Graph"]

NODES = 3_000  # codes on the graph, at most
NEIGHBOURS = 12  # of each node
PRICE = 20.0  # of a step along a hole's edge
LOOKS = 4  # places along an edge at which the density is looked at
DEEPEST = 12.0  # nats; deeper holes cost no more, so that sums stay exact
LEAST = 1e-9  # of a step's cost: a sparse graph takes zero for "no edge"
MARGIN = 0.5  # nats inside a hole's edge where the band may still be pulled to
BAND = 33  # points of the band
PULLS = 40  # how often each is pulled towards its neighbours


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """Codes (m, D) of a space, and what it costs to go from one to another: a symmetric (m, m), all of one piece."""

    space: Encoded
    nodes: NDArray[np.float64]
    costs: csr_array
    tree: cKDTree

    @classmethod
    def of(cls, space: Encoded, seed: int = 0) -> Self:
        """The graph of a space: draws of q(z | x), one for an example. Raises DataError where holes cannot be found."""
        holes = space.kept(Holes)  # first: it says what is wrong with codes
        codes = np.unique(space.draw_codes(np.random.default_rng(seed)).astype(np.float64), axis=0)
        nodes = np.random.default_rng(seed).permutation(codes)[:NODES]
        tree = cKDTree(nodes)
        pairs = _joined(nodes, _pairs(tree.query(nodes, np.arange(1, min(NEIGHBOURS + 1, len(nodes)) + 1))[1]))
        x = space.decoded_rows(nodes)
        moved = space.apart(x[pairs[:, 0]], x[pairs[:, 1]])
        cost = (moved * toll(holes, nodes[pairs[:, 0]], nodes[pairs[:, 1]])).clip(LEAST)
        edges = csr_array((cost, pairs.T), shape=(len(nodes), len(nodes)))
        return cls(space, nodes, edges + edges.T, tree)

    def way(self, a: Array, b: Array) -> NDArray[np.float64]:
        """Points (m, D) of the way from `a` to `b`, both (D,), which are the first and the last."""
        t = np.linspace(0, 1, BAND)
        a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        found = along(self._shortest(a, b), t)
        ways = np.stack([straight(a, b, t), found, tightened(self.space.kept(Holes), found)])
        return ways[step_costs(self.space, ways).sum(axis=1).argmin()]

    def _shortest(self, a: Array, b: Array) -> Array:
        """The nodes on the cheapest path, between its two ends: (k, D)."""
        ends = np.stack([a, b])
        count = min(NEIGHBOURS, len(self.nodes))
        near = self.tree.query(ends, np.arange(1, count + 1))[1]  # (2, count)
        known = np.concatenate([ends, self.nodes[near.ravel()]])
        x = self.space.decoded_rows(known)
        moved = self.space.apart(x[2:], x[:2].repeat(count, axis=0))
        cost = (moved * toll(self.space.kept(Holes), ends.repeat(count, axis=0), known[2:])).clip(LEAST)
        m = len(self.nodes)
        bridge = csr_array((cost, (np.repeat([m, m + 1], count), near.ravel())), shape=(m + 2, m + 2))
        whole = self.costs.copy()
        whole.resize(m + 2, m + 2)
        before = dijkstra(whole + bridge + bridge.T, indices=m, return_predecessors=True)[1]
        way = [m + 1]
        while way[-1] != m:
            way.append(before[way[-1]])
        return np.concatenate([self.nodes, ends])[way[::-1]]


def step_costs(space: Encoded, ways: Array) -> NDArray[np.float64]:
    """What each step of ways (k, m, D) costs: (k, m - 1)."""
    x = space.decoded_rows(ways.reshape(-1, space.dim))
    x = x.reshape(*ways.shape[:2], *x.shape[1:])
    before, after = (some.reshape(-1, *x.shape[2:]) for some in (x[:, :-1], x[:, 1:]))
    return space.apart(before, after).reshape(len(ways), -1) * toll(space.kept(Holes), ways[:, :-1], ways[:, 1:])


def toll(holes: Holes, a: Array, b: Array) -> NDArray[np.float64]:
    """The mean of 1 + PRICE e^depth along the straight lines from a (*B, D) to b (*B, D): (*B,)."""
    looks = [(1 - t) * a + t * b for t in (np.arange(LOOKS) + 0.5) / LOOKS]
    return 1 + PRICE * np.exp(holes.depth(np.stack(looks)).clip(max=DEEPEST)).mean(axis=0)


def tightened(holes: Holes, way: Array) -> NDArray[np.float64]:
    """The way (m, D) with its inner points pulled towards the middle of their neighbours, wherever that is no hole.

    A point that lies in a hole already may be pulled to where the hole is less deep.
    """
    way = way.copy()
    allowed = holes.depth(way[1:-1]).clip(min=-MARGIN)
    for _ in range(PULLS):
        pulled = (way[:-2] + way[2:]) / 2
        depth = holes.depth(pulled)
        good = depth <= allowed
        way[1:-1] = np.where(good[:, None], pulled, way[1:-1])
        allowed = np.minimum(allowed, depth.clip(min=-MARGIN), where=good, out=allowed)
    return along(way, np.linspace(0, 1, len(way)))


def _pairs(near: Array) -> Array:
    """The pairs (p, 2) of different nodes, the smaller first, of which one is among the neighbours (m, k) of the other."""
    pairs = np.stack([np.repeat(np.arange(len(near)), near.shape[1]), near.ravel()], axis=1)
    return np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0)


def _joined(nodes: Array, pairs: Array) -> Array:
    """The pairs, and as many more as make one piece of all nodes: each piece is tied to the nearest node outside it."""
    while True:
        graph = csr_array((np.ones(len(pairs)), pairs.T), shape=(len(nodes), len(nodes)))
        count, piece = connected_components(graph, directed=False)
        if count == 1:
            return pairs
        inside = np.flatnonzero(piece == np.bincount(piece).argmin())
        outside = np.flatnonzero(piece != piece[inside[0]])
        away, nearest = cKDTree(nodes[outside]).query(nodes[inside])
        tie = np.sort([inside[away.argmin()], outside[nearest[away.argmin()]]])
        pairs = np.concatenate([pairs, tie[None]])
