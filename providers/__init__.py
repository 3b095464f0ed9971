"""One file per API that Freebrush speaks; `base` is the contract they keep.

Names that begin with an underscore are shared parts of adapters, not adapters.
"""
