"""Studies: demos that train a teacher and students, what is measured afterwards, and its report.

Everything is written once for both tasks; what only occupancy or depth has is in ``occupancy.py`` and ``depth.py``.
Nothing is imported here, so that a demo starts without torch.
"""
