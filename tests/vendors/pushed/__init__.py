"""Local servers that take what is pushed as the vendors' own do, and fail as they do."""
