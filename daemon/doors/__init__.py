"""How calls come in: bytes to Call and back. Knows no policy."""
