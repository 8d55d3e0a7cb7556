// SPDX-License-Identifier: Apache-2.0
#include "agent/filter_program.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <catch2/catch.hpp>
#include <cstddef>
#include <vector>

namespace {

using otprof::agent::filter_verdict;
using otprof::agent::lets_through;
using otprof::agent::readable_filter;
using Program = std::vector<sock_filter>;

constexpr sock_filter step(int code, std::uint32_t k, int yes = 0, int no = 0) {
  return {static_cast<std::uint16_t>(code), static_cast<std::uint8_t>(yes),
          static_cast<std::uint8_t>(no), k};
}
constexpr sock_filter load(std::size_t at) {
  return step(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(at));
}
constexpr sock_filter give(std::uint32_t action) { return step(BPF_RET | BPF_K, action); }

constexpr int kAdd = BPF_ALU;  // BPF_ADD and BPF_K are zero
constexpr sock_filter kNumber = load(offsetof(seccomp_data, nr));

}  // namespace

TEST_CASE("A list of permitted calls") {
  const Program program = {load(offsetof(seccomp_data, arch)),
                           step(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
                           give(SECCOMP_RET_KILL_PROCESS),
                           kNumber,
                           step(BPF_JMP | BPF_JEQ | BPF_K, SYS_read, 2, 0),
                           step(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 1, 0),
                           give(SECCOMP_RET_ERRNO | 1),
                           give(SECCOMP_RET_ALLOW)};
  CHECK(lets_through(program, SYS_read));
  CHECK(lets_through(program, SYS_write));
  CHECK_FALSE(lets_through(program, SYS_rt_sigreturn));
  CHECK(filter_verdict(program, SYS_rt_sigreturn) == (SECCOMP_RET_ERRNO | 1U));
}

TEST_CASE("A binary search, as libseccomp writes it") {
  const Program program = {kNumber,
                           step(BPF_JMP | BPF_JGE | BPF_K, 15, 1, 0),
                           give(SECCOMP_RET_ALLOW),
                           step(BPF_JMP | BPF_JGT | BPF_K, 15, 0, 1),
                           step(BPF_JMP | BPF_JA, 1),
                           give(SECCOMP_RET_TRAP),
                           give(SECCOMP_RET_LOG)};
  CHECK(lets_through(program, 14));
  CHECK_FALSE(lets_through(program, 15));
  CHECK(lets_through(program, 16));
}

TEST_CASE("Calculations, memory and both registers") {
  // (nr + 5) * 2, once more through memory and the index register.
  const Program program = {kNumber,
                           step(kAdd, 5),
                           step(BPF_ST, 3),
                           step(BPF_LDX | BPF_MEM, 3),
                           step(BPF_MISC | BPF_TXA, 0),
                           step(kAdd | BPF_X, 0),
                           step(BPF_MISC | BPF_TAX, 0),
                           step(BPF_LD | BPF_IMM, 40),
                           step(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1),
                           give(SECCOMP_RET_ALLOW),
                           step(BPF_LD | BPF_LEN, 0),
                           step(BPF_RET | BPF_A, 0)};
  CHECK(lets_through(program, 15));
  CHECK(filter_verdict(program, 16) == sizeof(seccomp_data));
}

TEST_CASE("What the kernel would refuse permits nothing") {
  CHECK_FALSE(lets_through({}, SYS_read));
  CHECK_FALSE(lets_through(Program{kNumber}, SYS_read));
  CHECK_FALSE(lets_through(Program{load(2), give(SECCOMP_RET_ALLOW)}, SYS_read));
  CHECK_FALSE(lets_through(Program{load(sizeof(seccomp_data)), give(SECCOMP_RET_ALLOW)}, SYS_read));
  CHECK_FALSE(
      lets_through(Program{step(BPF_JMP | BPF_JA, ~0U), give(SECCOMP_RET_ALLOW)}, SYS_read));
  CHECK_FALSE(lets_through(Program{step(BPF_ST, 16), give(SECCOMP_RET_ALLOW)}, SYS_read));
  CHECK_FALSE(
      lets_through(Program{step(BPF_ALU | BPF_DIV | BPF_K, 0), give(SECCOMP_RET_ALLOW)}, SYS_read));
}

TEST_CASE("A filter that cannot be read") {
  Program program = {kNumber, give(SECCOMP_RET_ALLOW)};
  sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  CHECK(readable_filter(&filter).size() == 2);
  void* const nowhere = mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(readable_filter(static_cast<sock_fprog*>(nowhere)).empty());
  filter.filter = static_cast<sock_filter*>(nowhere);
  CHECK(readable_filter(&filter).empty());
  filter = {0, program.data()};
  CHECK(readable_filter(&filter).empty());
  munmap(nowhere, 4096);
}
