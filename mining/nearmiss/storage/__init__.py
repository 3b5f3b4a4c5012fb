"""Storage: files that are whole or absent, and the fingerprints of what they hold."""
