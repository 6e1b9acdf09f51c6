"""Packages are found, and the native engine is one extension module for every Python from 3.10 on.

All else is in pyproject.toml.
"""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["anomsdk", "anomsdk.*"]), "anomsdk.reference_models", "anomsdk.firmware_port"],
    cffi_modules=["firmware_port/native/build_native.py:ffibuilder"],
    options={"bdist_wheel": {"py_limited_api": "cp310"}},
)
