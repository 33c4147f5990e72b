"""The work of `benchmarks.programs` as a Gradio app: `python gradio_app.py PORT`, by a Python that has gradio."""

import sys

import gradio
from PIL import Image

SIDE = 1024


def enlarge(picture: Image.Image) -> Image.Image:
    return picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC)


gradio.Interface(enlarge, gradio.Image(type="pil"), gradio.Image(format="jpeg"), api_name="enlarge").launch(
    server_port=int(sys.argv[1]), quiet=True
)
