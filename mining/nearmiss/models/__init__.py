"""
Models: encoders that make texts into unit vectors, and teachers that score a query and a document together.

In:  texts, and a model's folder, its hub name, or the caller's own object
Out: vectors; raw scores in float32, kept in a cache that later rounds read
"""
