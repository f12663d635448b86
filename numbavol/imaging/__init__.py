"""From projections to images as a microscope makes them.

- ``ctf``: `CTF`, the contrast transfer function.
"""
