"""What a music model writes, listened to with figures: beside the music that it learned from."""

from recurra.tasks.pieces.audition import Audition, listen

__all__ = ["Audition", "listen"]
