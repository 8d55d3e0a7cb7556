// SPDX-License-Identifier: Apache-2.0
//
// The rights of a thread are its own, and libc ends a process whose threads get different answers when
// they change users: so a thread that the program knows nothing of must have what the program's one has.
// As chronyd, setpriv, ntpd and others become another user.
#include "test/victims/victim.h"
#include "test/victims/seccomp_filter.h"
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>

enum { kSomebody = 12345 };

static struct __user_cap_data_struct rights[2];

static void read_rights(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  syscall(SYS_capget, &header, rights);
}

static int write_rights(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  return (int)syscall(SYS_capset, &header, rights);
}

static void tell(const char* what, int result) {
  printf("  %s: %s\n", what, result == 0 ? "done" : strerror(errno));
  fflush(stdout);
}

static void gives_rights_away(void) {
  read_rights();
  rights[0].effective &= ~(1u << CAP_SETUID | 1u << CAP_SETGID);
  rights[0].permitted &= ~(1u << CAP_SETUID | 1u << CAP_SETGID);
  tell("capset", write_rights());
  tell("setgid", setgid(kSomebody));
  tell("setuid", setuid(kSomebody));
  tell("setgroups", setgroups(0, NULL));
  tell("initgroups", initgroups("nobody", kSomebody));
}
static void keeps_rights(void) {
  prctl(PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L);
  tell("setresgid", setresgid(kSomebody, kSomebody, kSomebody));
  tell("setresuid", setresuid(kSomebody, kSomebody, kSomebody));
  read_rights();
  rights[0].effective = rights[0].permitted = 1u << CAP_SETGID;
  tell("capset", write_rights());
  tell("setgroups", setgroups(0, NULL));
  tell("setgid", setgid(0));
  tell("setuid", setuid(0));
}
static void has_rights_that_stay(void) {
  tell("prctl", prctl(PR_SET_SECUREBITS, (long)SECBIT_NO_SETUID_FIXUP, 0L, 0L, 0L));
  tell("setreuid", setreuid(kSomebody, kSomebody));
  tell("setregid", setregid(kSomebody, kSomebody));
  tell("setuid", setuid(0));
}
static void goes_past_libc(void) {
  tell("raw setresuid", (int)syscall(SYS_setresuid, kSomebody, kSomebody, kSomebody));
  tell("setuid", setuid(kSomebody));
  tell("setuid", setuid(0));
  tell("setegid", setegid(kSomebody));
}
static void is_refused_by_a_filter(void) {
  const int refused[] = {SYS_setuid, SYS_setresuid, SYS_setgroups};
  if (forbid(refused, 3, SECCOMP_RET_ERRNO | EPERM) != 0) {
    return;
  }
  tell("seteuid", seteuid(kSomebody));
  tell("setuid", setuid(kSomebody));
  tell("setgroups", setgroups(0, NULL));
  tell("initgroups", initgroups("nobody", kSomebody));
  tell("setgid", setgid(kSomebody));
}
static void goes_to_and_fro(void) {
  int failed = 0;
  for (int i = 0; i < 1000; ++i) {
    failed += seteuid(kSomebody) != 0;
    failed += seteuid(0) != 0;
  }
  printf("  %d failed\n", failed);
}
static void (*const kCases[])(void) = {gives_rights_away,      keeps_rights,    has_rights_that_stay,
                                       goes_past_libc,         goes_to_and_fro,
                                       is_refused_by_a_filter, keeps_rights};

int main(void) {
  if (getuid() != 0) {
    skip("only root has rights to give away");
  }
  burn_ms(20);
  const int cases = (int)(sizeof kCases / sizeof *kCases);
  for (int i = 0; i < cases; ++i) {
    const pid_t child = i == cases - 1 ? 0 : fork();
    if (child == 0) {
      for (int wait = 0; wait < 2; ++wait) {
        burn_ms(i % 2 ? 30 : 0);
      }
      printf("case %d\n", i);
      kCases[i]();
      burn_ms(5);
      exit(12);
    }
    print_child("child", child);
  }
}
