"""Every transform between waveforms and spectra, once: STFT, mel, log spectrogram, Griffin-Lim, pitch."""
