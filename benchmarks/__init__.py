"""Measurements on real and large data; not part of the installed package."""
