"""A network as an ONNX graph: exported, simplified, with weights rounded to 8 bits.

Weights are stored as 8-bit integers with a scale per output channel, large constants in half precision. Both
are converted back to float32 when the file is loaded: a file has a quarter of the size and the same speed.
"""

from __future__ import annotations

import copy
import io
import os
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from voxlet import files
from voxlet.speak.runtime import import_onnxruntime

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import ModelProto

M = TypeVar("M", bound=nn.Module)

OPSET = 20  # the first that has GELU as one operator
SMALLEST_PACKED = 4096  # smaller weights stay float32: they take little room and rounding hurts them more
LARGE_CONSTANT = 1 << 15  # numbers; of the graphs' constants only the Fourier matrices are as large
SCALE = ".scale"  # suffix of the name of an 8-bit weight's scale


@dataclass(frozen=True)
class Packed:
    """A weight as int8 `values` and a float32 `scale` that broadcasts over them."""

    values: NDArray[np.int8]
    scale: NDArray[np.float32]

    @property
    def weight(self) -> NDArray[np.float32]:
        """The weight in float32: values times scale."""
        return self.values * self.scale


def quantise(weight: NDArray[np.float32]) -> Packed:
    """Round a weight to 255 levels, with a scale for each channel of its first axis."""
    others = tuple(range(1, weight.ndim))
    largest = np.abs(weight).max(axis=others, keepdims=True)
    scale = np.maximum(largest, 1e-12).astype(np.float32) / np.float32(127)
    return Packed(np.round(weight / scale).astype(np.int8), scale)


def quantised(module: M) -> tuple[M, list[Packed]]:
    """A copy of a module with its large weights rounded by `quantise`, and these weights packed.

    Large constants are rounded to half precision, which leaves an error of -70 dB.
    """
    module, packed = copy.deepcopy(module), []
    for parameter in module.parameters():
        if parameter.ndim > 1 and parameter.numel() >= SMALLEST_PACKED:
            packed.append(quantise(parameter.detach().numpy()))
            parameter.data = torch.from_numpy(packed[-1].weight)
    for constant in module.buffers():
        if constant.numel() >= LARGE_CONSTANT:
            constant.copy_(constant.half())
    return module, packed


def graph_of(
    module: nn.Module,
    inputs: tuple[Tensor, ...],
    names: list[str],
    outputs: list[str],
    free: dict[int, str],
) -> ModelProto:
    """The ONNX graph of a module.

    Args:
        module: The module, in `eval` mode.
        inputs: An example of each input.
        names: Names of the inputs.
        outputs: Names of the outputs.
        free: Numbers and names of the inputs' dynamic axes; outputs have them, too, if axis 0 is one.
    """
    import onnx

    buffer = io.BytesIO()
    axes = dict.fromkeys((*names, *(outputs if 0 in free else ())), free)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch warns that this is the older of its two exporters
        torch.onnx.export(
            module,
            inputs,
            buffer,  # type: ignore[arg-type]  # a buffer is fine for this exporter
            input_names=names,
            output_names=outputs,
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
    model = _simplified(buffer.getvalue())
    onnx.checker.check_model(model)
    return model


def _simplified(model: bytes) -> ModelProto:
    """The model with constant parts folded: once here, not each time that a voice is opened."""
    import onnx

    onnxruntime = import_onnxruntime()
    with files.temporary_folder() as folder:
        path = folder / "simple.onnx"
        options = onnxruntime.SessionOptions()
        # The basic level keeps to standard operators, so the file is not bound to one release of the runtime.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = os.fspath(path)
        options.log_severity_level = 3
        try:
            onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except onnxruntime.capi.onnxruntime_pybind11_state.InvalidProtobuf as error:  # the disk is full then
            raise OSError("the simplified graph finds no room") from error
        return onnx.load(path)


def packed_graph(model: ModelProto, packed: list[Packed]) -> ModelProto:
    """Store a model's rounded weights as int8 and scale, in place.

    Cast and Mul nodes restore them and are folded when the file is loaded. Large constants that half
    precision holds exactly are stored in it. The exporter renames and transposes weights, so they are found
    by their content.
    """
    from onnx import TensorProto, helper, numpy_helper

    known = {}
    for one in packed:
        known[one.weight.shape, one.weight.tobytes()] = one
        if one.values.ndim == 2:
            known[one.weight.T.shape, one.weight.T.tobytes()] = Packed(one.values.T, one.scale.T)
    nodes, kept = [], []
    for held in model.graph.initializer:
        weight, name = numpy_helper.to_array(held), held.name
        if (weight.shape, weight.tobytes()) not in known:
            half = weight.astype(np.float16) if weight.size >= LARGE_CONSTANT else None
            if half is not None and (half == weight).all():
                kept.append(numpy_helper.from_array(half, f"{name}.half"))
                nodes.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
            else:
                kept.append(held)
            continue
        one = known[weight.shape, weight.tobytes()]
        kept.append(numpy_helper.from_array(np.ascontiguousarray(one.values), f"{name}.int8"))
        kept.append(numpy_helper.from_array(np.ascontiguousarray(one.scale), f"{name}{SCALE}"))
        nodes.append(helper.make_node("Cast", [f"{name}.int8"], [f"{name}.float"], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Mul", [f"{name}.float", f"{name}{SCALE}"], [name]))
    nodes.extend(model.graph.node)
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend(nodes)
    return model
