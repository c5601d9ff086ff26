"""Between what people have and numbers, and between numbers and what is said of it: no tensors."""
