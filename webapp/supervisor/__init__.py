"""What `make run` starts, and keeps alive."""
