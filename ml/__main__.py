"""``python -m ml list | run | evaluate | train | weights``."""

import sys

from ml.command_line import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
