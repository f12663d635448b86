"""Stacks of simulated particles, whole or in shards."""

__all__: list[str] = []
