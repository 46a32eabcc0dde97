"""Masks that people correct: out of a survey into an annotation tool, and back as a data set to learn from."""
