"""The laws of the tree: its shape is the RFC's, every leaf is proved, and nothing else is."""

import hashlib
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from onedoor.verifier import root_of
from sla.evidence.merkle import NOTHING, Tree, leaf, node

TEXTS = st.lists(st.text("ab@ 0", max_size=8).map(str.encode), min_size=1, max_size=40)


def led_to(text: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root to which a path leads, as whoever checks the evidence finds it."""
    root: str | None = root_of(text.decode(), index, size, [beside.hex() for beside in path])
    return None if root is None else bytes.fromhex(root)


def recursive(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 9162, 2.1.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + recursive(leaves[:k]) + recursive(leaves[k:])).digest()


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_the_root_is_that_of_the_rfc(texts: list[bytes]) -> None:
    assert Tree(texts).root == recursive(texts)


@given(TEXTS, st.data())
def test_every_leaf_is_proved_and_in_its_place_only(texts: list[bytes], data: st.DataObject) -> None:
    """A path leads to the root from its own leaf and place; from another text, place or size it leads elsewhere."""
    tree = Tree(texts)
    index = data.draw(st.integers(0, len(texts) - 1))
    path = tree.path(index)
    assert led_to(texts[index], index, len(texts), path) == tree.root
    assert led_to(texts[index] + b"!", index, len(texts), path) != tree.root
    other = data.draw(st.integers(0, len(texts) + 2))
    if other != index and (other >= len(texts) or texts[other] != texts[index]):
        assert led_to(texts[index], other, len(texts), path) != tree.root or len(set(texts)) < len(texts)
    longer = [*path, data.draw(st.binary(min_size=32, max_size=32))]
    assert led_to(texts[index], index, len(texts), longer) is None
    if path:
        assert led_to(texts[index], index, len(texts), path[:-1]) is None


@given(TEXTS, st.data())
def test_another_leaf_gives_another_root(texts: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(texts) - 1))
    edited = [*texts]
    edited[index] += b"!"
    assert Tree(edited).root != Tree(texts).root
    assert Tree(texts[:index] + texts[index + 1 :]).root != Tree(texts).root


def test_a_node_is_no_leaf() -> None:
    """The tree over two leaves is not the tree over the one text that their hashes make."""
    pair = leaf(b"a") + leaf(b"b")
    assert Tree([b"a", b"b"]).root == node(leaf(b"a"), leaf(b"b")) != Tree([pair]).root
    assert Tree([]).root == NOTHING
    assert led_to(b"a", 0, 0, []) is None
