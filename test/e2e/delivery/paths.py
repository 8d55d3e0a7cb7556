# SPDX-License-Identifier: Apache-2.0
"""Makes what other tests share importable; to be imported first. Environment: STEADY (steady.cc) and
that of ../agent/harness.py."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
for neighbour in ("agent", "transport"):
    sys.path.append(os.path.join(os.path.dirname(HERE), neighbour))

STEADY = os.environ["STEADY"]
