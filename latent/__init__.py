"""What a program needs that uses a Latent site over HTTP: `latent.client`."""
