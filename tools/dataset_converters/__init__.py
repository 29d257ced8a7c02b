"""Converters that write info files."""
