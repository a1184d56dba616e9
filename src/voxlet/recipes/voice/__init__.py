"""The voice: wave VAE, flow prior and few-step student, and the file that they end as."""
