// SPDX-License-Identifier: Apache-2.0
#include "interpose/process_choice.h"

#include <errno.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <string_view>

namespace otprof::interpose {
namespace {

template <typename... Entries>
std::array<const char*, sizeof...(Entries) + 1> environment_of(Entries... entries) {
  return {entries..., nullptr};
}

TEST_CASE("the environment is found where the kernel has put it") {
  const char* const* found = start_environment();
  REQUIRE(found != nullptr);
  // As long as nobody has changed it, libc's is the same.
  CHECK(found == environ);
  const char* const* arguments = start_arguments();
  REQUIRE(arguments != nullptr);
  CHECK(std::string_view(arguments[0]) == program_invocation_name);
}

TEST_CASE("a part of a value") {
  const auto environment = environment_of("NAME=/usr/lib/one.so:/two.so", "NAME=three");
  CHECK(variable_has(environment.data(), "NAME", "/two"));
  CHECK_FALSE(variable_has(environment.data(), "NAME", "three"));
  CHECK_FALSE(variable_has(environment.data(), "NAM", "two"));
}

TEST_CASE("values are compared without spaces around them and without case") {
  const auto environment = environment_of("A=b", "NAMES=other", "NAME= \tJEmalloc ", "NAME=second");
  CHECK(variable_is(environment.data(), "NAME", "jemalloc"));
  CHECK_FALSE(variable_is(environment.data(), "NAME", "second"));
  CHECK_FALSE(variable_is(environment.data(), "NAME", "jemallo"));
  CHECK_FALSE(variable_is(environment.data(), "NAM", "jemalloc"));
  CHECK_FALSE(variable_is(environment.data(), "MISSING", "jemalloc"));
  CHECK_FALSE(variable_is(nullptr, "NAME", "jemalloc"));
}

TEST_CASE("who is left alone") {
  CHECK_FALSE(is_left_alone(environment_of("OTPROF_ENABLED=true").data()));
  CHECK(is_left_alone(environment_of("OTPROF_ENABLED=False").data()));
  CHECK(is_left_alone(environment_of("OTEL_SDK_DISABLED=true").data()));
  CHECK_FALSE(is_left_alone(environment_of("OTPROF_ONLY=").data()));
  CHECK(is_left_alone(environment_of("OTPROF_ONLY=another, interpose").data()));
  CHECK_FALSE(is_left_alone(environment_of("OTPROF_ONLY=another, inter*_test").data()));
  CHECK_FALSE(is_left_alone(environment_of("OTPROF_ONLY=[h-j]nterpose_????").data()));
}

}  // namespace
}  // namespace otprof::interpose
