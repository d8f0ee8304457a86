"""Model server of drpo: models, samples and gradients over gRPC. It knows no algorithm."""

__version__ = "0.1.0"
