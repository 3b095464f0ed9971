"""How the built-in sketch reads words and draws: what `providers/sketch.py` is made of."""
