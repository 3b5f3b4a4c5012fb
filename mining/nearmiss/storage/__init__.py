"""Storage: files that are whole or absent, one writer at a time, numbered shards, and fingerprints."""
