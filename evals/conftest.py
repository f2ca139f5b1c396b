"""Switches the pytest plugin on for this folder's tests."""

from __future__ import annotations

import pytest


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Load the plugin; ``pytest_plugins`` may stand in the topmost folder's conftest alone."""
    pluginmanager.import_plugin("citewise.pytest")
