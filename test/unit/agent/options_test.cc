// SPDX-License-Identifier: Apache-2.0
#include "agent/options.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

using otprof::agent::kExportOtlp;
using otprof::agent::kExportPprof;
using otprof::agent::LogLevel;
using otprof::agent::OptionId;
using otprof::agent::Options;
using otprof::agent::read_options;

namespace {

struct Read {
  Options options;
  std::vector<std::string> warnings;
};

Read read(std::vector<const char*> environment) {
  Read result;
  environment.push_back(nullptr);
  result.options = read_options(
      environment.data(),
      [](void* context, std::string_view message) {
        static_cast<std::vector<std::string>*>(context)->emplace_back(message);
      },
      &result.warnings);
  return result;
}

}  // namespace

TEST_CASE("without variables every option has its documented default") {
  const Read result = read({});
  CHECK(result.warnings.empty());
  CHECK(result.options.enabled);
  CHECK(result.options.cpu_hz == 100);
  CHECK(result.options.max_stack_depth == 128);
  CHECK(result.options.export_interval == 60'000);
  CHECK(result.options.exit_timeout == 1000);
  CHECK(result.options.exporters == kExportOtlp);
  CHECK(result.options.endpoint == "http://localhost:4318");
  CHECK(result.options.level() == LogLevel::kWarn);
  CHECK(result.options.given.none());
}

TEST_CASE("an accepted value replaces the default") {
  const Read result = read({"OTPROF_CPU_HZ= 997 ", "OTPROF_EXPORTERS=pprof"});
  CHECK(result.warnings.empty());
  CHECK(result.options.cpu_hz == 997);
  CHECK(result.options.exporters == kExportPprof);
  CHECK(result.options.is_given(OptionId::cpu_hz));
  CHECK_FALSE(result.options.is_given(OptionId::cpu));
}

TEST_CASE("a variable that is spelled wrong is told, others' variables are not") {
  const Read result = read({"OTPROF_CPUHZ=50", "OTPROFILE=x", "OTPROF_",
                            "OTEL_TRACES_EXPORTER=none", "OTPROF_CPU_HZ=50"});
  REQUIRE(result.warnings.size() == 2);
  CHECK(result.warnings[0].starts_with("\"OTPROF_CPUHZ\" is no known variable"));
  CHECK(result.warnings[1].starts_with("\"OTPROF_\" is no known variable"));
  CHECK(result.options.cpu_hz == 50);
}

TEST_CASE("an empty value is an unset one") {
  const Read result = read({"OTPROF_CPU_HZ="});
  CHECK(result.warnings.empty());
  CHECK(result.options.cpu_hz == 100);
  CHECK_FALSE(result.options.is_given(OptionId::cpu_hz));
}

TEST_CASE("a wrong value gives one warning that names variable, value, range and default") {
  const Read result = read({"OTPROF_CPU_HZ=fast\x1b[31m"});
  REQUIRE(result.warnings.size() == 1);
  CHECK(result.warnings[0] == "OTPROF_CPU_HZ=\"fast?[31m\" is not accepted (1-10000); using 100");
  CHECK(result.options.cpu_hz == 100);
}

TEST_CASE("the first of two values counts, as with getenv") {
  CHECK(read({"OTPROF_CPU_HZ=7", "OTPROF_CPU_HZ=8"}).options.cpu_hz == 7);
}

TEST_CASE("a name that only starts alike is another variable") {
  CHECK(read({"OTPROF_CPU_HZZ=7", "XOTPROF_CPU_HZ=8"}).options.cpu_hz == 100);
}
