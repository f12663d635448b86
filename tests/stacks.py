"""Image stacks that tests write."""

from __future__ import annotations

import io

import mrcfile
import numpy as np

from numbavol.io import write_image_stack

SHAPE = (6, 4, 5)
KEY = "what the images depend on"


def write(path, images, pixel_size=1.5, **options):
    images = np.asarray(images)
    with write_image_stack(path, images.shape, pixel_size, **options) as stack:
        for number, image in enumerate(images):
            stack[number] = image


def whole(path, images, **options):
    """Return the bytes of the stack that nobody interrupts."""
    other = path.with_name("whole.mrcs")
    write(other, images, overwrite=True, **options)
    content = other.read_bytes()
    other.unlink()
    return content


def names(path):
    return sorted(entry.name for entry in path.parent.iterdir())


def assert_valid(path):
    messages = io.StringIO()
    assert mrcfile.validate(path, print_file=messages), messages.getvalue()
