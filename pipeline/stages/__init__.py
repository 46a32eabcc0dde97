"""The experiment's stages as plain functions: each fills a folder of its own from the folders of those before it.

A stage's folder is named after the fingerprint of all that shapes it (`keys`), so equal work is found again and a
killed training goes on where it was.
"""
