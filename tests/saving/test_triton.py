"""A model repository says of each file what onnxruntime finds in it, in a text that Triton's own parser reads."""

import importlib.util
from pathlib import Path

import pytest

from latentwalk.errors import ConfigError
from latentwalk.saving.onnx import exported
from latentwalk.saving.triton import repository

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
tritonclient = pytest.importorskip("tritonclient")
text_format = pytest.importorskip("google.protobuf.text_format")

TYPES = {
    "tensor(float)": "FP32",
    "tensor(double)": "FP64",
    "tensor(uint8)": "UINT8",
    "tensor(string)": "STRING",
    "tensor(int64)": "INT64",
}
FILES = {
    "encoder.onnx": ({"x": ("UINT8", ["n", 5, 4])}, True),
    "decoder.onnx": ({"codes": ("FLOAT", ["n", 3]), "given": ("FLOAT", ["n", 10])}, True),
    "scorer.onnx": ({'a "town", = any': ("STRING", ["n"]), "höhe": ("DOUBLE", ["n"]), "since": ("INT64", ["n"])}, False),
    "step.onnx": ({"last": ("INT64", ["n"]), "known": ("FLOAT", ["n", 7]), "memory": ("FLOAT", ["n", 1, 8])}, False),
}  # what each takes, and whether its rows can be put together


def program(takes):
    """A program that takes these and gives the same back."""
    types = {name: (getattr(onnx.TensorProto, kind), shape) for name, (kind, shape) in takes.items()}
    inputs = [onnx.helper.make_tensor_value_info(name, *one) for name, one in types.items()]
    outputs = [onnx.helper.make_tensor_value_info(f"{name}_", *one) for name, one in types.items()]
    nodes = [onnx.helper.make_node("Identity", [name], [f"{name}_"]) for name in takes]
    graph = onnx.helper.make_graph(nodes, "g", inputs, outputs)
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9).SerializeToString()


@pytest.fixture(scope="module")
def configuration():
    """Triton's own description of a configuration; its package would ask for grpc."""
    path = Path(tritonclient.__path__[0]) / "grpc" / "model_config_pb2.py"
    spec = importlib.util.spec_from_file_location("model_config_pb2", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("file", FILES)
def test_a_repository_says_what_its_models_are(configuration, tmp_path, file):
    takes, batched = FILES[file]
    exported(repository({file: program(takes)}, "rows of mine"), tmp_path)
    (folder,) = tmp_path.iterdir()
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == {"config.pbtxt", "1/model.onnx"}
    told = text_format.Parse((folder / "config.pbtxt").read_text(), configuration.ModelConfig())
    session = onnxruntime.InferenceSession(folder / "1" / "model.onnx", providers=["CPUExecutionProvider"])
    assert (told.name, told.platform) == (folder.name, "onnxruntime_onnx") and folder.name.startswith("rows of mine-")
    assert (told.max_batch_size > 0) == told.HasField("dynamic_batching") == batched
    for ours, theirs in ((told.input, session.get_inputs()), (told.output, session.get_outputs())):
        for one, other in zip(ours, theirs, strict=True):
            assert one.name == other.name
            assert configuration.DataType.Name(one.data_type) == f"TYPE_{TYPES[other.type]}"
            rows = [-1] if batched else []
            assert rows + list(one.dims) == [size if isinstance(size, int) else -1 for size in other.shape]


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\\b", ".hidden", 'a"b', "a\nb"])
def test_a_name_is_no_path(name):
    with pytest.raises(ConfigError, match="cannot name models of a repository"):
        repository({"encoder.onnx": b""}, name)
