"""Parts of plan.py: what a training costs, from tensors without memory and from formulas."""
