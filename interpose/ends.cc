// SPDX-License-Identifier: Apache-2.0
//
// _exit, _Exit and abort: the ends of a process at which no exit handler runs, so that the agent has
// to be told of them. (quick_exit runs handlers of its own, and the agent has one.)
//
// All are async-signal-safe, and run in the child of a vfork, whose memory is its parent's: the hook
// has to see whose process it is in.
#include <stdlib.h>
#include <unistd.h>

#include "interpose/hooks.h"
#include "interpose/next.h"

namespace otprof::interpose {
namespace {

struct Real {
  void (*exit_now)(int) = next<void (*)(int)>("_exit");
  void (*abort)() = next<void (*)()>("abort");
};

const Real& real() noexcept {
  static const Real functions;
  return functions;
}

// Looking functions up is not async-signal-safe, so it is done before a handler can need it.
[[gnu::constructor]] void look_up_early() { real(); }

void tell_of_exit() noexcept {
  if (hooks().process_exits != nullptr) {
    hooks().process_exits();
  }
}

}  // namespace
}  // namespace otprof::interpose

using otprof::interpose::hooks;
using otprof::interpose::real;
using otprof::interpose::tell_of_exit;

extern "C" {

[[gnu::noreturn, gnu::visibility("default")]] void _exit(int status) {
  tell_of_exit();
  real().exit_now(status);
  __builtin_unreachable();
}

[[gnu::noreturn, gnu::visibility("default")]] void _Exit(int status) noexcept {
  tell_of_exit();
  real().exit_now(status);
  __builtin_unreachable();
}

// A handler of the program's may end it by a jump, and the program goes on: so does the agent.
[[gnu::noreturn, gnu::visibility("default")]] void abort() noexcept {
  if (hooks().process_ends != nullptr) {
    hooks().process_ends();
  }
  real().abort();
  __builtin_unreachable();
}
}
