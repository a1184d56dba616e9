"""Numbers to figures: the only package that imports matplotlib.

Functions take arrays and return a Figure; `figure.save` writes it.
"""
