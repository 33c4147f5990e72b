"""Who may see and change what. Nothing else decides it."""
