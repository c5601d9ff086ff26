"""What a trained model says of an input that is still coming, for many sessions at once."""

from recurra.tasks.streams.streamed import Memory, Streamed, Together

__all__ = ["Memory", "Streamed", "Together"]
