"""A real stack under load while faults are thrown at it: `make faults SECONDS=600`."""
