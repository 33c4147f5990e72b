"""What the rooms about handwritten digits share: MNIST's files, and a digit found on any picture."""
