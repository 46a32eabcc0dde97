"""The generated sample: pavement with cracks whose truth is exact."""
