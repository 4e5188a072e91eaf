"""One file per model (or family). A file offers `MODELS`: name -> builder taking the Params of a dataset."""
