"""
The engine: a model's forward pass, as fast as this machine does it without changing the answer.

In:  a model's folder and the wanted number type
Out: an `Engine`: texts or pairs of texts -> float32 rows, with the number type and its measured agreement with float32

On a processor, the model is converted once into an OpenVINO graph and checked against PyTorch; the graph waits in the
user's cache folder, so that the next start needs neither PyTorch nor seconds. What cannot be converted, and a model on
a CUDA device, runs through sentence-transformers.
"""

from nearmiss.models.engine import graphs, processor, pytorch
from nearmiss.models.engine.contract import Engine, Model, ModelFacts, ModelKind, ModelRequest, OnEngine, Task
from nearmiss.models.engine.loading import load_model, model_folder

__all__ = [
    "Engine",
    "Model",
    "ModelFacts",
    "ModelKind",
    "ModelRequest",
    "OnEngine",
    "Task",
    "model_folder",
    "open_engine",
]


def open_engine(wanted: ModelRequest) -> Engine:
    """The fastest engine for this model here. ModelError where the model cannot be loaded or run as asked."""
    if processor.has_cuda():
        return pytorch.fastest(wanted, load_model(wanted))
    precisions = processor.precisions(wanted.precision)
    if kept := graphs.kept(wanted, precisions):
        return kept
    model = load_model(wanted)
    return graphs.convert(wanted, model, precisions) or pytorch.fastest(wanted, model)
