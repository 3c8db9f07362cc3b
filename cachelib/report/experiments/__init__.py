"""Notebooks run through papermill, with typed parameters, in kernels that start at once."""
