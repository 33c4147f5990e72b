"""What an owner has, and how long."""
