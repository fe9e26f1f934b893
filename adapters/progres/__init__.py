"""UNHCR proGres, whose own interfaces are closed: the shapes that are public, a package each."""
