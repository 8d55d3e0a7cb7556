# SPDX-License-Identifier: Apache-2.0
"""What the agent sends and writes for real programs is what the standards want, item by item
(test/conformance), and both say the same."""
import sys

import harness
import inputs

harness.main({f'test_{name}': inputs.make_rules_test(name, go=False) for name in inputs.INPUTS
              if not sys.argv[1:] or any(part in name for part in sys.argv[1:])})
