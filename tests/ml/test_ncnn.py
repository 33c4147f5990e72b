"""The reader of ncnn's files takes every number to its place, and refuses what does not fit."""

import struct
from pathlib import Path

import pytest
import torch

from ml.super_resolution.ncnn import HALF_PRECISION_TAG, NCNN_MAGIC, Memory, load_ncnn
from ml.super_resolution.real_esrgan import CompactNet
from ml.super_resolution.span import SPAN


def write_ncnn(network: torch.nn.Module, path: Path) -> None:
    """As ncnn writes it: half-precision kernels behind a tag, padded to four bytes; the rest in single precision."""
    lines, blob = [NCNN_MAGIC, "1 1", "Input in 0 1 data"], b""
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            assert module.bias is not None
            kernel = module.weight.detach().numpy().astype("<f2").tobytes()
            blob += struct.pack("<I", HALF_PRECISION_TAG) + kernel + b"\0" * (-len(kernel) % 4)
            blob += module.bias.detach().numpy().tobytes()
            lines.append(
                f"Convolution c 1 1 a b 0={module.out_channels} 1=3 6={module.weight.numel()} -23310=1,0.2"
            )
        elif isinstance(module, Memory):
            blob += module.values.numpy().tobytes()
            lines.append(f"MemoryData m 0 1 a 0=1 1=1 2={module.values.numel()}")
        elif isinstance(module, torch.nn.PReLU):
            blob += module.weight.detach().numpy().tobytes()
            lines.append(f"PReLU p 1 1 a b 0={module.num_parameters}")
    path.write_bytes(blob)
    path.with_suffix(".param").write_text("\n".join(lines))


@pytest.fixture
def small(tmp_path: Path) -> Path:
    torch.manual_seed(1)
    path = tmp_path / "small.bin"
    write_ncnn(CompactNet(layers=1, width=5), path)
    return path


def test_the_reader_takes_every_number_to_its_place(small: Path) -> None:
    torch.manual_seed(1)
    written, read = CompactNet(layers=1, width=5), CompactNet(layers=1, width=5)
    load_ncnn(read, small)
    for before, after in zip(written.parameters(), read.parameters(), strict=True):
        assert torch.allclose(before, after, atol=1e-3)


@pytest.mark.parametrize("channels", [3, 4])
def test_a_memory_is_read_where_it_fits(channels: int, tmp_path: Path) -> None:
    written, read = SPAN(2, width=4, blocks=1), SPAN(2, width=4, blocks=1)
    written.mean.values.copy_(torch.rand(1, 3, 1, 1))
    path = tmp_path / "span.bin"
    write_ncnn(written, path)
    param = path.with_suffix(".param")
    param.write_text(param.read_text().replace("1=1 2=3", f"1=1 2={channels}"))
    if channels == 3:
        load_ncnn(read, path)
        assert torch.equal(read.mean.values, written.mean.values)
        assert torch.allclose(read.tail.weight, written.tail.weight, atol=1e-3)
    else:
        with pytest.raises(ValueError, match="MemoryData"):
            load_ncnn(read, path)


@pytest.mark.parametrize("change", ["cut", "longer", "tag", "order", "layer", "kind", "magic", "network"])
def test_the_reader_refuses_what_does_not_fit(change: str, small: Path) -> None:
    param = small.with_suffix(".param")
    blob, lines = small.read_bytes(), param.read_text().splitlines()
    network = CompactNet(layers=2 if change == "network" else 1, width=5)
    match change:
        case "cut":
            blob = blob[:-4]
        case "longer":
            blob += b"\0\0\0\0"
        case "tag":
            blob = b"\0\0\0\0" + blob[4:]
        case "order":
            lines[3:5] = lines[4:2:-1]
        case "layer":
            lines.pop()
        case "kind":
            lines.insert(3, "InnerProduct i 1 1 a b 0=5")
        case "magic":
            lines[0] = "1"
    small.write_bytes(blob)
    param.write_text("\n".join(lines))
    with pytest.raises(ValueError, match=r"."):
        load_ncnn(network, small)
