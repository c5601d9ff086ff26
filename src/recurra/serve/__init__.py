"""Models served over HTTP and WebSockets."""
