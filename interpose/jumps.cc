// SPDX-License-Identifier: Apache-2.0
//
// siglongjmp, and longjmp under all its names: with the mask that sigsetjmp saved, what the program believes to
// be blocked comes back, too. Most jumps save no mask, and cost one test more.
//
// The mask saved is the kernel's, which has guarded signals unblocked but for those in a handler of theirs. A
// jump into where the program had blocked one itself therefore lets it through; that is left so, since
// sigsetjmp could only be interposed for it at a cost to every jump.
#include <setjmp.h>

#include "interpose/next.h"
#include "interpose/signal_guard.h"

namespace otprof::interpose {
namespace {

using JumpFunction = void (*)(sigjmp_buf, int);

struct Real {
  JumpFunction plain = next<JumpFunction>("siglongjmp");
  JumpFunction checked = next<JumpFunction>("__longjmp_chk");
};

const Real& real() noexcept {
  static const Real functions;
  return functions;
}

// Looking functions up is not async-signal-safe, so it is done before a handler can need it.
[[gnu::constructor]] void look_up_early() { real(); }

void restore_belief(const sigjmp_buf where) noexcept {
  if (where[0].__mask_was_saved != 0) {
    believe(bits_of(where[0].__saved_mask));
  }
}

}  // namespace
}  // namespace otprof::interpose

using otprof::interpose::real;
using otprof::interpose::restore_belief;

extern "C" {

[[gnu::noreturn, gnu::visibility("default")]] void siglongjmp(sigjmp_buf where, int value) {
  restore_belief(where);
  real().plain(where, value);
  __builtin_unreachable();
}

[[gnu::noreturn, gnu::visibility("default")]] void longjmp(jmp_buf where, int value) {
  restore_belief(where);
  real().plain(where, value);
  __builtin_unreachable();
}

[[gnu::noreturn, gnu::visibility("default")]] void _longjmp(jmp_buf where, int value) {
  restore_belief(where);
  real().plain(where, value);
  __builtin_unreachable();
}

// What the others are in programs built with _FORTIFY_SOURCE.
[[gnu::noreturn, gnu::visibility("default")]] void __longjmp_chk(sigjmp_buf where, int value) {
  restore_belief(where);
  real().checked(where, value);
  __builtin_unreachable();
}
}
