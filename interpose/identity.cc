// SPDX-License-Identifier: Apache-2.0
//
// setuid and its family. The kernel keeps users, groups and rights of each thread apart; libc has every thread
// of the process make the call, and ends the process if the answers differ. Those of the agent's thread
// would, once the program has given the calling thread other rights (by capset, prctl, or system calls past
// libc). So the agent is told before, and its thread takes on what the calling one has.
//
// A filter may have been put on the calling thread alone. What it refuses must not be asked of others.
#include <errno.h>
#include <grp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "interpose/next.h"
#include "interpose/raw_calls.h"

namespace otprof::interpose {
namespace {

struct Real {
  decltype(&::setuid) setuid = next<decltype(setuid)>("setuid");
  decltype(&::setgid) setgid = next<decltype(setgid)>("setgid");
  decltype(&::seteuid) seteuid = next<decltype(seteuid)>("seteuid");
  decltype(&::setegid) setegid = next<decltype(setegid)>("setegid");
  decltype(&::setreuid) setreuid = next<decltype(setreuid)>("setreuid");
  decltype(&::setregid) setregid = next<decltype(setregid)>("setregid");
  decltype(&::setresuid) setresuid = next<decltype(setresuid)>("setresuid");
  decltype(&::setresgid) setresgid = next<decltype(setresgid)>("setresgid");
  decltype(&::setgroups) setgroups = next<decltype(setgroups)>("setgroups");
  decltype(&::initgroups) initgroups = next<decltype(initgroups)>("initgroups");
};

const Real& real() noexcept {
  static const Real functions;
  return functions;
}

// Looking functions up is not async-signal-safe, so it is done before a handler can need it.
[[gnu::constructor]] void look_up_early() { real(); }

// `try_alone` makes the call on this thread only: done twice, it does the same.
template <typename Call, typename TryAlone>
int change(Call call, TryAlone try_alone) noexcept {
  const Hooks& hook = hooks();
  if (hook.identity_changes == nullptr) {
    return call();
  }
  const bool is_alike = hook.identity_changes();
  const int result = !is_alike && try_alone() != 0 ? -1 : call();
  const int error = errno;
  hook.identity_changed();
  errno = error;
  return result;
}

}  // namespace
}  // namespace otprof::interpose

using otprof::interpose::change;
using otprof::interpose::real;

extern "C" {

[[gnu::visibility("default")]] int setuid(uid_t user) noexcept {
  return change([=] { return real().setuid(user); },
                [=] { return otprof_make_syscall(SYS_setuid, user); });
}

[[gnu::visibility("default")]] int setgid(gid_t group) noexcept {
  return change([=] { return real().setgid(group); },
                [=] { return otprof_make_syscall(SYS_setgid, group); });
}

[[gnu::visibility("default")]] int seteuid(uid_t user) noexcept {
  return change([=] { return real().seteuid(user); },
                [=] { return otprof_make_syscall(SYS_setresuid, -1, user, -1); });
}

[[gnu::visibility("default")]] int setegid(gid_t group) noexcept {
  return change([=] { return real().setegid(group); },
                [=] { return otprof_make_syscall(SYS_setresgid, -1, group, -1); });
}

[[gnu::visibility("default")]] int setreuid(uid_t user, uid_t effective) noexcept {
  return change([=] { return real().setreuid(user, effective); },
                [=] { return otprof_make_syscall(SYS_setreuid, user, effective); });
}

[[gnu::visibility("default")]] int setregid(gid_t group, gid_t effective) noexcept {
  return change([=] { return real().setregid(group, effective); },
                [=] { return otprof_make_syscall(SYS_setregid, group, effective); });
}

[[gnu::visibility("default")]] int setresuid(uid_t user, uid_t effective, uid_t saved) noexcept {
  return change([=] { return real().setresuid(user, effective, saved); },
                [=] { return otprof_make_syscall(SYS_setresuid, user, effective, saved); });
}

[[gnu::visibility("default")]] int setresgid(gid_t group, gid_t effective, gid_t saved) noexcept {
  return change([=] { return real().setresgid(group, effective, saved); },
                [=] { return otprof_make_syscall(SYS_setresgid, group, effective, saved); });
}

[[gnu::visibility("default")]] int setgroups(size_t count, const gid_t* groups) noexcept {
  return change([=] { return real().setgroups(count, groups); },
                [=] { return otprof_make_syscall(SYS_setgroups, count, groups); });
}

// Whether it may is seen by setting what would be set first of all.
[[gnu::visibility("default")]] int initgroups(const char* user, gid_t group) {
  return change([=] { return real().initgroups(user, group); },
                [&] { return otprof_make_syscall(SYS_setgroups, 1L, &group); });
}
}
