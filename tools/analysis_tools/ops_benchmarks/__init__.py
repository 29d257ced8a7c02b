"""What ``benchmark_ops.py`` measures: one module per operation, each with ``benchmarks(quick)``."""
