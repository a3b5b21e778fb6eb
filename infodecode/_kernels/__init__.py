"""Compiled kernels: flat arrays in, flat arrays out; they never validate and never see objects."""
