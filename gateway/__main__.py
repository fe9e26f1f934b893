"""`python -m gateway` is `corridor`."""

from gateway.cli import main

main()
