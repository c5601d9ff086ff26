"""stub"""
class Metrics:
    def __getattr__(self, name): return lambda *a, **k: None
    def text(self): return ""
