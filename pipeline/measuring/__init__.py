"""Masks and probability maps → cracks: centre lines, length, width, kind, severity."""
