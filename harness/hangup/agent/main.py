"""What a server serves: `hangup.agent.main:app`.

The app file named by `HANGUP_APP` is imported and wrapped, varied by the file that
`HANGUP_VARIANT` names if it is set; what else the environment asks for is started first.
`HANGUP_TRACE_EXCEPTIONS`, if set, has exceptions traced.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

from hangup.agent import exception_tracer, probe, pulse
from hangup.agent.boundary import App, Boundary
from hangup.agent.lifeline import kill_process_when_harness_ends
from hangup.agent.server_log import report_errors


def load(path: Path, variant: Path | None = None) -> App:
    """Import an app file by its path and return its app; raises whatever the file raises.

    With a variant that is what its `vary` makes of the app's module. The variant is imported
    before the app, as what it installs may have to be.
    """
    if variant is None:
        app: App = _import(path).app
        return app
    vary = _import(variant).vary
    varied: App = vary(_import(path))
    return varied


def _import(path: Path) -> Any:
    """Import a file under a name of its own.

    So `apps/quart.py` does not shadow the package `quart`.
    """
    names = path.with_suffix("").parts
    below = len(names) - names[::-1].index("apps")
    module_name = ".".join(names[below - 1 :])
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path.name} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    spec.loader.exec_module(module)
    return module


if "HANGUP_LIFELINE" in os.environ:
    kill_process_when_harness_ends(os.environ["HANGUP_LIFELINE"])
if "HANGUP_PULSE" in os.environ:
    pulse.start(os.environ["HANGUP_PULSE"])
report_errors()
_app_file = Path(os.environ["HANGUP_APP"])
_variant = os.environ.get("HANGUP_VARIANT")
app = Boundary(load(_app_file, Path(_variant) if _variant else None))
if "HANGUP_TRACE_EXCEPTIONS" in os.environ:
    _beside_app = _app_file.parent
    exception_tracer.start(
        trial_aware=(Path(__file__).parent, _beside_app / "common", _beside_app / "recipes")
    )
probe.record(None, "process", "loaded")
