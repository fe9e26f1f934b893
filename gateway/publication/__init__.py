"""What a log says to those who trust nobody: files, checkpoints, proofs, and witnesses."""
