"""`python -m voxlet` is the command `voxlet`."""

import sys

from voxlet.cli.start import main

if __name__ == "__main__":
    sys.exit(main())
