"""The embedded hall: a real HTTP registry on loopback, reached over HTTP only."""
