"""`voxlet corpus ...`, `record` and `split`: one file per command."""
