"""What Freebrush adds, measured beside the floor in the same run; every figure is a ratio."""
