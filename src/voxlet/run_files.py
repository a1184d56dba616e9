"""What the files in a run's folder are called: by who trains and measures, and by who only watches."""

CONFIG = "config.json"  # preset, corpus, budget and every setting
CORPUS = "corpus.json"  # how the corpus was read
METRICS = "metrics.jsonl"  # a line of numbers per validation
PROGRESS = "progress.jsonl"  # some hundred lines a stage, for who watches
SAMPLES = "samples"  # a folder: what is to be heard, on the way and at the end
TEST = "test.json"  # of a clip VAE: what was measured at its end
OUTCOME = "outcome.json"  # of an adapted voice: what became of it
