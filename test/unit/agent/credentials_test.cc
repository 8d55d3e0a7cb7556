// SPDX-License-Identifier: Apache-2.0
//
// Each case runs in a process of its own, because it gives rights away; the first is that of a thread that has
// them all, so without root there is little to be seen.
#include "agent/credentials.h"

#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

namespace {

using otprof::agent::Credentials;
using otprof::agent::own_credentials;
using otprof::agent::take_on;

constexpr uid_t kSomebody = 12345;

// What a thread is after `change`, and whether one that is as now can become the same.
template <typename Change>
bool can_follow(Change change) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t leader = fork();
  if (leader == 0) {
    change();
    const Credentials now = own_credentials();
    _exit(write(ends[1], &now, sizeof now) == sizeof now ? 0 : 1);
  }
  Credentials wanted;
  REQUIRE(read(ends[0], &wanted, sizeof wanted) == sizeof wanted);
  waitpid(leader, nullptr, 0);
  close(ends[0]);
  close(ends[1]);
  const pid_t follower = fork();
  if (follower == 0) {
    _exit(take_on(wanted) && own_credentials() == wanted ? 0 : 1);
  }
  int status = 0;
  waitpid(follower, &status, 0);
  return status == 0;
}

}  // namespace

TEST_CASE("A thread that has changed nothing is followed") {
  CHECK(can_follow([] {}));
}

TEST_CASE("A thread that keeps its rights over a change of user is followed") {
  CHECK(can_follow([] { prctl(PR_SET_KEEPCAPS, 1); }));
}

TEST_CASE("A thread that gave rights away is followed") {
  CHECK(can_follow([] {
    Credentials none = own_credentials();
    none.rights = {};
    take_on(none);
  }));
  CHECK(can_follow([] {
    Credentials less = own_credentials();
    less.rights[0].effective &= ~(1U << CAP_SETUID);
    take_on(less);
  }));
}

TEST_CASE("A thread that has become another user is followed") {
  CHECK(can_follow([] {
    syscall(SYS_setresgid, kSomebody, kSomebody, kSomebody);
    syscall(SYS_setresuid, kSomebody, kSomebody, kSomebody);
  }));
  CHECK(can_follow([] { syscall(SYS_setresuid, -1, kSomebody, -1); }));
  CHECK(can_follow([] {
    prctl(PR_SET_KEEPCAPS, 1);
    syscall(SYS_setresuid, kSomebody, kSomebody, kSomebody);
    Credentials again = own_credentials();
    again.rights[0].effective = again.rights[0].permitted & 1U << CAP_SETGID;
    take_on(again);
  }));
}

TEST_CASE("Secure bits are followed") {
  CHECK(can_follow([] { prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP); }));
  CHECK(can_follow([] {
    prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS_LOCKED);
  }));
}

TEST_CASE("Rights that a thread does not have it cannot take on") {
  if (getuid() != 0) {
    return;
  }
  const Credentials wanted = own_credentials();
  const pid_t child = fork();
  if (child == 0) {
    Credentials none = wanted;
    none.rights = {};
    const bool has_none = take_on(none);
    _exit(has_none && !take_on(wanted) ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(status == 0);
}
