"""stub"""
def log(event, **k): pass
