"""What every operation stands on: its declaration, its context, pictures, tiles, weights."""
