"""The packages of the installed `duet`: the root and every folder below it that is one, without the tests."""

from setuptools import find_packages, setup

setup(packages=["duet", *(f"duet.{name}" for name in find_packages(exclude=["tests", "tests.*", "build", "build.*"]))])
