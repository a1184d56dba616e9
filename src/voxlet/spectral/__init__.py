"""All transforms between waveforms and spectra: Fourier transforms with their inverses, mel filters, the
study's log spectrogram, Griffin-Lim and pitch. Shapes: B clips, T samples, F frames, M bands.
"""
