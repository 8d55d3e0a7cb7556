// SPDX-License-Identifier: Apache-2.0
//
// unshare and setns. The kernel lets only a process of one thread enter a user namespace, and only
// threads that share no file system state enter a mount namespace: sandboxes and container runtimes
// would fail under an agent that has a thread. So the agent's makes way for the call.
//
// chroot: the agent's thread must have its own file system state by then.
#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>

#include "interpose/next.h"

namespace otprof::interpose {
namespace {

template <typename Call>
int alone(Call&& call) noexcept {
  const Hooks& hook = hooks();
  if (hook.before_single_threaded_call == nullptr) {
    return call();
  }
  hook.before_single_threaded_call();
  const int result = call();
  const int error = errno;
  hook.after_single_threaded_call();
  errno = error;
  return result;
}

}  // namespace
}  // namespace otprof::interpose

using otprof::interpose::alone;
using otprof::interpose::hooks;
using otprof::interpose::next;

extern "C" {

[[gnu::visibility("default")]] int unshare(int flags) noexcept {
  static const auto real = next<int (*)(int)>("unshare");
  constexpr int kNeedsOneThread = CLONE_NEWUSER | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
  if ((flags & kNeedsOneThread) == 0) {
    return real(flags);
  }
  return alone([&] { return real(flags); });
}

[[gnu::visibility("default")]] int chroot(const char* path) noexcept {
  static const auto real = next<int (*)(const char*)>("chroot");
  if (hooks().root_changes != nullptr) {
    hooks().root_changes();
  }
  return real(path);
}

[[gnu::visibility("default")]] int setns(int fd, int type) noexcept {
  static const auto real = next<int (*)(int, int)>("setns");
  return alone([&] { return real(fd, type); });
}
}
