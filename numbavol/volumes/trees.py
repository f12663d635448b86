"""Nested tuples, lists and dicts, whose leaves are arrays or operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

CONTAINERS = (tuple, list, dict)


def map_leaves(function: Callable[[str, Any], Any], name: str, tree: Any) -> Any:
    """Make a tree of the same structure, with ``function(expression, leaf)`` at its leaves."""
    if not isinstance(tree, CONTAINERS):
        return function(name, tree)
    return _rebuild(
        tree,
        [
            map_leaves(function, f"{name}[{key!r}]", child)
            for key, child in zip(_keys(tree), _children(tree), strict=True)
        ],
    )


def map_like(function: Callable[[str, Any, Any], Any], name: str, tree: Any, like: Any) -> Any:
    """Make a tree of the structure of another, whose leaves say where those of `tree` are.

    Parameters
    ----------
    function
        Takes the expression of a leaf, what `tree` has there, and the leaf of `like`.
    name
        Of `tree`, for messages.
    tree
        What lies at a leaf of `like` may itself be a list: of the rows of an array.
    like
        The tree that has the structure.

    Raises
    ------
    ValueError
        If a node of `like` has no counterpart in `tree`.
    """
    is_leaf = not isinstance(like, CONTAINERS)
    if is_leaf and not _holds_arrays(tree):
        return function(name, tree, like)
    if is_leaf or not isinstance(tree, type(like)) or set(_keys(tree)) != set(_keys(like)):
        msg = f"{name}: expected the structure {describe_tree(like)}, got {describe_tree(tree)}"
        raise ValueError(msg)
    made = [
        map_like(function, f"{name}[{key!r}]", tree[key], child)
        for key, child in zip(_keys(like), _children(like), strict=True)
    ]
    return _rebuild(like, made)


def collect_leaves(tree: Any) -> list[Any]:
    """Return the leaves in the order of their containers."""
    leaves: list[Any] = []
    map_leaves(lambda _, leaf: leaves.append(leaf), "", tree)
    return leaves


def describe_tree(tree: Any) -> str:
    """Write a tree with arrays as their shapes, and other leaves as their class."""
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{key!r}: {describe_tree(tree[key])}" for key in tree) + "}"
    if is_array_like(tree):
        return f"array{np.shape(tree)}"
    if isinstance(tree, (tuple, list)):
        inner = ", ".join(map(describe_tree, tree))
        if isinstance(tree, list):
            return f"[{inner}]"
        return f"({inner},)" if len(tree) == 1 else f"({inner})"
    return f"array{tree.shape}" if isinstance(tree, np.ndarray) else type(tree).__name__


def _keys(tree: Any) -> list[Any]:
    return list(tree) if isinstance(tree, dict) else list(range(len(tree)))


def _children(tree: Any) -> list[Any]:
    return list(tree.values()) if isinstance(tree, dict) else list(tree)


def is_array_like(tree: Any) -> bool:
    """Tell whether a list or a tuple is the rows of an array, and not a tree of arrays."""
    if not isinstance(tree, (list, tuple)) or not tree or _holds_arrays(tree):
        return False
    try:
        return np.asarray(tree).dtype.kind in "biufc"
    except ValueError:
        return False


def _holds_arrays(tree: Any) -> bool:
    """Tell a tree from the rows of an array, which may be arrays of one axis."""
    if isinstance(tree, dict):
        return True
    return isinstance(tree, (list, tuple)) and any(
        row.ndim > 1 if isinstance(row, np.ndarray) else _holds_arrays(row) for row in tree
    )


def _rebuild(tree: Any, children: list[Any]) -> Any:
    if isinstance(tree, dict):
        return dict(zip(tree, children, strict=True))
    if isinstance(tree, list):
        return children
    # A named tuple takes its fields one by one.
    return type(tree)(*children) if hasattr(tree, "_fields") else tuple(children)
