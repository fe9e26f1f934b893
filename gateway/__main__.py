"""`python -m gateway` is `corridor`."""

from gateway.start import main

main()
