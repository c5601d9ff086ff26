"""Single faults, and whether the tests notice them: `python -m tests.mutations`."""
