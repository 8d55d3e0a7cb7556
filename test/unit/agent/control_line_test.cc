// SPDX-License-Identifier: Apache-2.0
#include "agent/control_line.h"

#include <catch2/catch.hpp>
#include <string>

using otprof::agent::ControlAction;
using otprof::agent::kMostPathBytes;
using otprof::agent::parse_control_line;

TEST_CASE("requests of one line are understood") {
  std::string error;
  const auto snapshot = parse_control_line("snapshot heap /tmp/with space", error);
  REQUIRE(snapshot);
  CHECK(snapshot->action == ControlAction::kSnapshot);
  CHECK(snapshot->value == OTPROF_HEAP);
  CHECK(std::string(snapshot->path) == "/tmp/with space");
  CHECK(snapshot->is_watched);
  CHECK(parse_control_line("snapshot cpu /x", error)->value == OTPROF_CPU);
  CHECK(parse_control_line("start", error)->action == ControlAction::kStart);
  CHECK(parse_control_line("stop", error)->action == ControlAction::kStop);
  CHECK(parse_control_line("flush", error)->action == ControlAction::kFlush);
  CHECK(parse_control_line("cpu-hz 10000", error)->value == 10'000);
  CHECK(parse_control_line("heap-interval 1099511627776", error)->value == 1ULL << 40U);
  CHECK(error.empty());
}

TEST_CASE("a request that is wrong says what is accepted") {
  const auto error_of = [](const std::string& line) {
    std::string error;
    CHECK_FALSE(parse_control_line(line, error));
    return error;
  };
  const std::string longest = "/" + std::string(kMostPathBytes - 2, 'x');
  std::string none;
  CHECK(parse_control_line("snapshot cpu " + longest, none));
  for (const std::string& line :
       {std::string("snapshot"), std::string("snapshot cpu"), std::string("snapshot all /x"),
        std::string("snapshot cpu x"), "snapshot cpu " + longest + "x"}) {
    CHECK(error_of(line).find("absolute path") != std::string::npos);
  }
  for (const char* line : {"cpu-hz", "cpu-hz 0", "cpu-hz 10001", "cpu-hz 5x", "cpu-hz -1"}) {
    CHECK(error_of(line) == "cpu-hz takes 1 to 10000");
  }
  CHECK(error_of("heap-interval 1099511627777").find("1099511627776") != std::string::npos);
  CHECK(error_of("stop now") == "stop takes nothing");
  CHECK(error_of("").find("status") != std::string::npos);
  CHECK(error_of("status now").find("takes nothing") != std::string::npos);
}
