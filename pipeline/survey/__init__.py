"""A batch of photographs → the record of their cracks: listed once, done in chunks, each accounted for."""
