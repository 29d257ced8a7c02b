"""What stands and drives where: the street, its buildings and agents, and the ego car, drawn from a seed."""
