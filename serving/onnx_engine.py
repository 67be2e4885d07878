"""onnxruntime sessions that run where they were told to, on the CPUs they may use."""

from pathlib import Path
from typing import Literal

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from serving.cpus import available_cpus
from serving.engine import Loaded
from serving.images import Raster
from serving.models import DEFAULT_FOLDER, ModelError, load_model
from serving.settings import WorkerSettings

Device = Literal["cpu", "cuda", "tensorrt"]

_WIDEST = 4
"""Threads of a wide engine. The networks are small: the more there are, the longer they wait for each other."""

_SPIN_US = 15
"""For so long a thread looks for work before it sleeps: an engine's threads mostly wait for each other for less, and to
wake one takes longer."""

_PROVIDERS: dict[Device, list[str]] = {
    "cpu": ["CPUExecutionProvider"],
    "cuda": ["CUDAExecutionProvider", "CPUExecutionProvider"],
    "tensorrt": ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"],
}


class OnnxEngine:
    """One session: pictures in, one float array out. One thread at a time.

    Raises:
        ModelError: the device is not there, or the graph is not what the manifest says.
    """

    def __init__(self, file: Path, input_size: tuple[int, int], output_name: str, device: Device, threads: int) -> None:
        providers = _PROVIDERS[device]
        if providers[0] not in onnxruntime.get_available_providers():
            raise ModelError(
                f"device {device!r} was asked for, and this onnxruntime has no {providers[0]}: "
                "install the `gpu` extra instead of `cpu`, or set the device to cpu"
            )
        if device != "cpu":
            onnxruntime.preload_dlls()  # the `gpu` extra brings CUDA's libraries where no loader looks
        try:
            self._session = onnxruntime.InferenceSession(file, _options(threads), providers=providers)
        except Exception as error:  # onnxruntime's exceptions share no base of their own
            raise ModelError(f"{file}: onnxruntime cannot load it: {error}") from error
        if self._session.get_providers()[0] != providers[0]:
            raise ModelError(f"device {device!r} was asked for, and onnxruntime could not use it: see its log above")
        self._output = output_name
        self._check_input(file, input_size)

    def run(self, pictures: Raster) -> NDArray[np.float32]:
        """(n, height, width, 3) uint8 RGB → (n, …) float32."""
        (output,) = self._session.run([self._output], {"image": pictures})
        return output  # type: ignore[no-any-return]

    def _check_input(self, file: Path, size: tuple[int, int]) -> None:
        given, *others = self._session.get_inputs()
        if others or given.name != "image" or given.type != "tensor(uint8)" or given.shape[1:] != [*size, 3]:
            raise ModelError(
                f"{file}: input is {given.name} {given.type} {given.shape}, "
                f"image tensor(uint8) [n, {size[0]}, {size[1]}, 3] is needed"
            )
        outputs = [output.name for output in self._session.get_outputs()]
        if outputs != [self._output]:
            raise ModelError(f"{file}: outputs are {outputs}, [{self._output!r}] is needed")


def load_onnx(settings: WorkerSettings, *, kind: str, model: str, output: str) -> Loaded:
    """The newest version of a model folder.

    On a CPU an engine of one thread for each core beats one of many, but where there is one picture to run.

    Raises:
        ModelError: the folder, its files or the device are not as they must be.
    """
    folder = Path(settings.models_dir) if settings.models_dir else DEFAULT_FOLDER
    served = load_model(folder, model, kind, settings.precision, settings.device)
    cpus = available_cpus()
    instances = settings.instances or (cpus if settings.device == "cpu" else 1)
    size = (served.manifest.input.height, served.manifest.input.width)
    threads = max(1, cpus // instances)

    def engine(threads: int) -> OnnxEngine:
        return OnnxEngine(served.file, size, output, settings.device, threads)

    widest = min(cpus, _WIDEST) if settings.device == "cpu" else 0
    return Loaded(served, [engine(threads) for _ in range(instances)], engine(widest) if widest > threads else None)


def _options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Several services share a machine: a thread that waits must not burn a core that another needs.
    options.add_session_config_entry("session.intra_op.spin_duration_us", str(_SPIN_US))
    return options
