// SPDX-License-Identifier: Apache-2.0
#include "agent/unwind/call_site.h"

#include <catch2/catch.hpp>
#include <vector>

namespace otprof::unwind {

namespace {

bool after(std::vector<std::uint8_t> code) { return ends_with_call(code); }

[[gnu::noinline]] std::uint64_t own_return_address() {
  return reinterpret_cast<std::uintptr_t>(__builtin_return_address(0));
}

}  // namespace

TEST_CASE("every form of near call is recognised") {
  CHECK(after({0xe8, 1, 2, 3, 4}));              // call rel32
  CHECK(after({0xff, 0xd0}));                    // call *%rax
  CHECK(after({0x41, 0xff, 0xd3}));              // call *%r11
  CHECK(after({0xff, 0x10}));                    // call *(%rax)
  CHECK(after({0xff, 0x14, 0xc3}));              // call *(%rbx,%rax,8)
  CHECK(after({0xff, 0x50, 0x18}));              // call *0x18(%rax)
  CHECK(after({0xff, 0x54, 0x24, 0x10}));        // call *0x10(%rsp)
  CHECK(after({0xff, 0x15, 1, 2, 3, 4}));        // call *x(%rip)
  CHECK(after({0xff, 0x90, 1, 2, 3, 4}));        // call *x(%rax)
  CHECK(after({0xff, 0x94, 0xc3, 1, 2, 3, 4}));  // call *x(%rbx,%rax,8)
  CHECK(after({0xff, 0x14, 0xc5, 1, 2, 3, 4}));  // call *x(,%rax,8)
}

TEST_CASE("other instructions are not") {
  CHECK_FALSE(after({}));
  CHECK_FALSE(after({0xe8, 1, 2, 3}));
  CHECK_FALSE(after({0xe9, 1, 2, 3, 4}));  // jmp
  CHECK_FALSE(after({0xff, 0xe0}));        // jmp *%rax
  CHECK_FALSE(after({0xff, 0x30}));        // push (%rax)
  CHECK_FALSE(after({0xff, 0x50}));        // displacement missing
  CHECK_FALSE(after({0xff, 0x10, 0x18}));  // one byte too many
  CHECK_FALSE(after({0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90}));
}

TEST_CASE("addresses are told apart") {
  const CallSite site = find_call_site(own_return_address());
  CHECK(site.kind == ReturnAddress::kAfterCall);
  CHECK(site.direct_target == reinterpret_cast<std::uintptr_t>(&own_return_address));
  CHECK(find_call_site(own_return_address() + 1).kind != ReturnAddress::kNoModule);
  static int data = 0;
  CHECK(find_call_site(reinterpret_cast<std::uintptr_t>(&data)).kind == ReturnAddress::kNo);
  int local = 0;
  CHECK(find_call_site(reinterpret_cast<std::uintptr_t>(&local)).kind == ReturnAddress::kNoModule);
  CHECK(find_call_site(0).kind == ReturnAddress::kNoModule);
  CHECK(find_call_site(UINT64_MAX).kind == ReturnAddress::kNoModule);
}

}  // namespace otprof::unwind
