"""The native engine: one extension module for every Python from 3.10 on. All else is in pyproject.toml."""

from setuptools import setup

setup(
    cffi_modules=["firmware_port/native/build_native.py:ffibuilder"],
    options={"bdist_wheel": {"py_limited_api": "cp310"}},
)
