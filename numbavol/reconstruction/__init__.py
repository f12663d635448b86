"""From images back to a map."""

__all__: list[str] = []
