"""``python -m numbavol``: the command, where no script of it is on the path."""

from numbavol.cli import run

if __name__ == "__main__":
    run()
