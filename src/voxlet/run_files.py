"""Names of the files in a run's folder, shared by the code that writes them and the code that reads them."""

CONFIG = "config.json"  # preset, corpus, budget and every setting
CORPUS = "corpus.json"  # how the corpus was read
METRICS = "metrics.jsonl"  # a line of metrics per validation
PROGRESS = "progress.jsonl"  # at most 400 lines per stage, for watching a run
SAMPLES = "samples"  # folder of sounds to listen to, from during training and its end
TEST = "test.json"  # for a clip VAE: what was measured at the end of training
OUTCOME = "outcome.json"  # for an adapted voice: its grade, and the figures behind it
