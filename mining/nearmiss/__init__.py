"""
nearmiss's mining core: hard negatives found, scored, selected, explained and exported.

Each module imports only from those listed above it in the README's tree; none prints.
"""
