"""Local servers that answer polls as the vendors' own do: filters, pages, links, bounds."""
