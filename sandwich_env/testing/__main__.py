"""Run every check that applies to an environment: `python -m sandwich_env.testing module:callable`."""

from __future__ import annotations

import sys

from sandwich_env.testing.command import main

sys.exit(main())
