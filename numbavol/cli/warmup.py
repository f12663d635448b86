"""``numbavol warmup``: compile ahead."""

from __future__ import annotations

import time

import click

from numbavol.cli.common_options import json_option, quiet_option
from numbavol.cli.output import Report, plural


@click.command()
@quiet_option
@json_option
def warmup(quiet: bool, as_json: bool) -> None:
    """Compile ahead what the command needs, and keep it on disk.

    The first call of a kernel on a machine compiles it, which takes seconds. Jobs of a cluster are
    spared that if this runs once before them, with the same NUMBAVOL_CACHE_DIR and on a processor
    of the same kind.

    \b
    Examples:
      numbavol warmup
      NUMBAVOL_CACHE_DIR=/scratch/numbavol numbavol warmup
    """
    import numbavol
    from numbavol.kernels.cache import ENVIRONMENT_VARIABLE, describe_cache

    began = time.perf_counter()
    report = Report(as_json, quiet)
    numbavol.warmup(lambda name: report.say(f"compile {name}"))
    cache = describe_cache()
    seconds = time.perf_counter() - began
    facts = {
        "folder": None if cache.folder is None else str(cache.folder),
        "n_kernels": cache.n_kernels,
        "seconds": seconds,
    }
    if cache.folder is None:
        report.warn(
            f"there is no home folder to keep kernels in, and {ENVIRONMENT_VARIABLE} is not set; "
            "the next process compiles again",
            **facts,
        )
    elif cache.is_writable:
        report.say(
            f"kept    {plural(cache.n_kernels, 'kernel')} in {cache.folder}; {seconds:.1f} s",
            **facts,
        )
    else:
        report.warn(f"{cache.folder}: cannot be written; the next process compiles again", **facts)
    report.finish()
