"""What models and batches will need, before anything is loaded."""
