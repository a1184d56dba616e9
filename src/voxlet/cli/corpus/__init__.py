"""`voxlet corpus ...`: one file a command."""
