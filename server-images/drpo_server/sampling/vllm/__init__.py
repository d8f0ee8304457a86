"""Rollouts by vLLM: the same SamplerService, for an interpreter that has vLLM (scripts/setup-vllm)."""
