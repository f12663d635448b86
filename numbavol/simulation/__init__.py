"""Stacks of simulated particles, whole or in shards."""
