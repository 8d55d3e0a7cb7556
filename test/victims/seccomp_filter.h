// SPDX-License-Identifier: Apache-2.0
//
// Seccomp filters out of a list of system calls: those that are permitted, or those that are not.
#pragma once

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

#include "test/victims/victim.h"

enum { kLongestFilter = 256 };

// The listed calls meet `listed`, all others `otherwise`. How long the program is.
static inline unsigned short write_filter(struct sock_filter* program, const int* calls,
                                          size_t count, unsigned listed, unsigned otherwise) {
  unsigned short length = 0;
  program[length++] =
      (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (size_t i = 0; i < count; ++i) {
    program[length++] =
        (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i], 0, 1);
    program[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, listed);
  }
  program[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, otherwise);
  return length;
}

// 0, or -1 with errno.
static inline int filter_calls(const int* calls, size_t count, unsigned listed, unsigned otherwise,
                               unsigned flags) {
  struct sock_filter program[kLongestFilter];
  const struct sock_fprog filter = {write_filter(program, calls, count, listed, otherwise),
                                    program};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
}

static inline int permit_only(const int* calls, size_t count, unsigned otherwise, unsigned flags) {
  return filter_calls(calls, count, SECCOMP_RET_ALLOW, otherwise, flags);
}

static inline int forbid(const int* calls, size_t count, unsigned action) {
  return filter_calls(calls, count, action, SECCOMP_RET_ALLOW, 0);
}
