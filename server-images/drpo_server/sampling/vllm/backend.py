"""Names by which vLLM's processes find what is ours."""

BACKEND = "drpo"
"""The weight transfer engine of weight_transfer.py."""

LOGITS_PROCESSOR = "drpo_server.sampling.vllm.positional_noise:PositionalNoise"

WORKER_EXTENSION = "drpo_server.sampling.vllm.worker.WorkerExtension"
