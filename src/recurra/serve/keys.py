"""stub"""
class Keys:
    @classmethod
    def of(cls, path): return None
    def who(self, header, key): return None
def check_exposure(host, keys, open=False): pass
