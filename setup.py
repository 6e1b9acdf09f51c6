"""Packages are found; the native engine and the scanner of audits are extension modules for every Python from 3.10 on.

All else is in pyproject.toml. The same sources, compiler and build tools give a wheel of the same bytes: it holds no
time, no path and no permission of the machine that built it.
"""

import os
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

# The time of every file in the wheel, unless the builder names another one: the earliest that a zip file can hold.
os.environ.setdefault("SOURCE_DATE_EPOCH", "315532800")


class Extensions(build_ext):
    """Extension modules without data of debuggers, which hold the path of the folder that they are built in."""

    def build_extension(self, ext):
        """Compile an extension module."""
        ext.extra_compile_args.append("-g0")
        super().build_extension(ext)


class ReproducibleWheel(bdist_wheel):
    """Wheel whose permissions do not depend on the umask of the builder."""

    def write_wheelfile(self, *args, **keywords):
        """Write the last file before the wheel is packed, then set the permissions of all of them."""
        super().write_wheelfile(*args, **keywords)
        for path in Path(self.bdist_dir).rglob("*"):
            path.chmod(0o755 if path.is_dir() or path.suffix == ".so" else 0o644)


setup(
    packages=[
        *find_packages(include=["anomsdk", "anomsdk.*"]),
        "anomsdk.reference_models",
        "anomsdk.firmware_port",
        "anomsdk.register",
    ],
    cffi_modules=[
        "firmware_port/native/build_native.py:ffibuilder",
        "firmware_port/scanner/build_scanner.py:ffibuilder",
    ],
    cmdclass={"build_ext": Extensions, "bdist_wheel": ReproducibleWheel},
    options={"bdist_wheel": {"py_limited_api": "cp310"}},
)
