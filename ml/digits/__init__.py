"""What the operations on handwritten digits share: MNIST's files, and a digit found on any picture."""
