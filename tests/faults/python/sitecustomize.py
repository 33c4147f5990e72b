"""For processes under libfaketime, which makes nonsense of the moment until which `time.sleep` waits. `select` counts."""

import select
import time

time.sleep = lambda seconds: select.select([], [], [], seconds) and None
