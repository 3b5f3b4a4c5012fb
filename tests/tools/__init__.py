"""Tools that make what ships: run by hand, imported by benchmarks."""
