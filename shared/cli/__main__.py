"""`python -m shared.cli` is `cronhouse`."""

from shared.cli import main

main()
