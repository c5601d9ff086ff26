"""How well the tasks do on public benchmarks: exams, their peers, and what was found."""
