// SPDX-License-Identifier: Apache-2.0
// The code that attach_cost.py counts the instructions of: one function, with nothing else in it.
#include "agent/otprof.h"

extern "C" [[gnu::noinline, gnu::visibility("default")]] void attach_and_detach(
    otprof_context* context) {
  otprof_detach(otprof_attach(context));
}

int main() {
  static otprof_context context;
  attach_and_detach(&context);
}
