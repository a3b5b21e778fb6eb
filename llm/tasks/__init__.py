"""ParallelBench's tasks in our own words: questions, what counts as an answer, and the program."""
