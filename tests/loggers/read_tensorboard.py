"""Reads event files as TensorBoard does: for each line of standard input, what it knows by then, as a line of JSON.

read_tensorboard.py FOLDER
"""

import json
import sys
from typing import Any

from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.util import tensor_util

# 0: keep everything.
EVERYTHING = {"scalars": 0, "text": 0, "hparams": 0}


def hparams_of(content: bytes) -> dict[str, Any]:
    """What the HParams tab is told of a run's start or end."""
    data = plugin_data_pb2.HParamsPluginData.FromString(content)
    if data.HasField("session_end_info"):
        return {"status": data.session_end_info.status}
    return {name: getattr(v, v.WhichOneof("kind")) for name, v in data.session_start_info.hparams.items()}


def known(reader: EventAccumulator) -> dict[str, Any]:
    """By plugin and tag: scalars as [step, wall time (s), value], texts, hparams."""
    found: dict[str, Any] = {"scalars": {}, "text": {}, "hparams": {}}
    for tag in reader.Tags()["tensors"]:
        data = reader.SummaryMetadata(tag).plugin_data
        events = [(e.step, e.wall_time, tensor_util.make_ndarray(e.tensor_proto)) for e in reader.Tensors(tag)]
        if data.plugin_name == "scalars":
            found["scalars"][tag] = [[step, time, value.item()] for step, time, value in events]
        elif data.plugin_name == "text":
            found["text"][tag] = [value[0].decode() for _, _, value in events]
        else:
            found["hparams"][tag] = hparams_of(data.content)
    return found


reader = EventAccumulator(sys.argv[1], tensor_size_guidance=EVERYTHING)
for _ in sys.stdin:
    reader.Reload()
    print(json.dumps(known(reader)), flush=True)
