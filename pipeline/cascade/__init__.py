"""The hot path: what happens to one photograph, from its pixels to its mask."""
