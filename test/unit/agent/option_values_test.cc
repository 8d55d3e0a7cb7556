// SPDX-License-Identifier: Apache-2.0
#include "agent/option_values.h"

#include <catch2/catch.hpp>

using otprof::agent::parse_boolean;
using otprof::agent::parse_bytes;
using otprof::agent::parse_choice;
using otprof::agent::parse_duration;
using otprof::agent::parse_integer;
using otprof::agent::parse_latency;
using otprof::agent::parse_percent;
using otprof::agent::parse_sampling;
using otprof::agent::parse_set;

TEST_CASE("a boolean is true or false, in any case") {
  bool value = false;
  CHECK((parse_boolean("TRUE", "", value) && value));
  CHECK((parse_boolean("False", "", value) && !value));
  for (const char* wrong : {"", "1", "yes", "truely", " true"}) {
    CHECK_FALSE(parse_boolean(wrong, "", value));
  }
}

TEST_CASE("an integer lies in the accepted range and leaves the old value when it does not") {
  std::int64_t value = 7;
  CHECK((parse_integer("1", "1-10000", value) && value == 1));
  CHECK((parse_integer("10000", "1-10000", value) && value == 10000));
  for (const char* wrong : {"0", "10001", "-5", "1.5", "12x", "", "99999999999999999999", "0x10"}) {
    CHECK_FALSE(parse_integer(wrong, "1-10000", value));
    CHECK(value == 10000);
  }
}

TEST_CASE("bytes take binary suffixes and do not overflow") {
  std::int64_t value = 0;
  CHECK((parse_bytes("512KiB", "1-1GiB", value) && value == 524288));
  CHECK((parse_bytes("64mib", "1-1GiB", value) && value == 67108864));
  CHECK((parse_bytes("100", "1-1GiB", value) && value == 100));
  for (const char* wrong : {"2GiB", "1MB", "9223372036854775807GiB", "KiB", "-1KiB"}) {
    CHECK_FALSE(parse_bytes(wrong, "1-1GiB", value));
  }
}

TEST_CASE("a duration needs a unit unless it is 0") {
  std::int64_t value = 0;
  CHECK((parse_duration("1500ms", "0ms-24h", value) && value == 1500));
  CHECK((parse_duration("60s", "0ms-24h", value) && value == 60'000));
  CHECK((parse_duration("2m", "0ms-24h", value) && value == 120'000));
  CHECK((parse_duration("24h", "0ms-24h", value) && value == 86'400'000));
  CHECK((parse_duration("0", "0ms-24h", value) && value == 0));
  for (const char* wrong : {"60", "25h", "1.5s", "s", "1 s"}) {
    CHECK_FALSE(parse_duration(wrong, "0ms-24h", value));
  }
}

TEST_CASE("a choice is its word's position in the list") {
  int value = 9;
  CHECK((parse_choice("FP", "cfi, fp, libunwind", value) && value == 1));
  CHECK_FALSE(parse_choice("dwarf", "cfi, fp, libunwind", value));
  CHECK(value == 1);
}

TEST_CASE("a latency needs a unit") {
  std::int64_t value = 0;
  CHECK((parse_latency("250us", "10us-1s", value) && value == 250));
  CHECK((parse_latency("1ms", "10us-1s", value) && value == 1000));
  CHECK((parse_latency("1S", "10us-1s", value) && value == 1'000'000));
  for (const char* wrong : {"9us", "2s", "1", "0", "1m", "-1ms", "1.5ms"}) {
    CHECK_FALSE(parse_latency(wrong, "10us-1s", value));
  }
}

TEST_CASE("a percentage may have decimals") {
  double value = 0;
  CHECK((parse_percent("1", "0.01-100", value) && value == 1));
  CHECK((parse_percent("0.25", "0.01-100", value) && value == 0.25));
  CHECK((parse_percent("100", "0.01-100", value) && value == 100));
  for (const char* wrong : {"0", "0.001", "100.1", "1%", "-1", "1e1", "nan", "", "."}) {
    CHECK_FALSE(parse_percent(wrong, "0.01-100", value));
    CHECK(value == 100);
  }
}

TEST_CASE("a set is a bit per word; none stands alone") {
  unsigned value = 9;
  CHECK((parse_set("pprof, OTLP", "otlp, pprof, none", value) && value == 3U));
  CHECK((parse_set("none", "otlp, pprof, none", value) && value == 0U));
  for (const char* wrong : {"otlp,none", "otlp,,pprof", "jaeger"}) {
    CHECK_FALSE(parse_set(wrong, "otlp, pprof, none", value));
  }
}

TEST_CASE("sampling is a word, or a ratio from 0 to 1") {
  using otprof::agent::SamplingMode;
  constexpr std::string_view kAccepted = "always, trace, adaptive, ratio:0-1";
  otprof::agent::SamplingWish value;
  CHECK((parse_sampling("Trace", kAccepted, value) && value.mode == SamplingMode::kTrace));
  CHECK((parse_sampling("adaptive", kAccepted, value) && value.mode == SamplingMode::kAdaptive));
  CHECK((parse_sampling("ratio:0.1", kAccepted, value) && value.mode == SamplingMode::kRatio));
  CHECK(value.ratio == 0.1);
  CHECK((parse_sampling("RATIO:1", kAccepted, value) && value.ratio == 1));
  for (const char* wrong : {"ratio", "ratio:", "ratio:1.1", "ratio:-1", "ratio:0.1x", "ratio:nan",
                            "ratio:0-1", "ratio:.", "ratio:0.1.1", "never", ""}) {
    CHECK_FALSE(parse_sampling(wrong, kAccepted, value));
  }
  CHECK((parse_sampling("always", kAccepted, value) && value.mode == SamplingMode::kAlways));
}
