"""From images back to a map."""
