"""What rays meet: primitives, ground and sky with their colours, and the kernels that cast rays at them."""
