// SPDX-License-Identifier: Apache-2.0
//
// Command lines, addresses, environments and numbers: what people type and read.
#include "tools/command.h"

#include <catch2/catch.hpp>

#include "tools/input_error.h"
#include "tools/receiver.h"
#include "tools/run_environment.h"
#include "tools/text.h"

namespace otprof::test {
namespace {

using tools::Arguments;
using tools::UsageError;

const tools::Command kCommand{
    .name = "test",
    .operands = "FILE...",
    .summary = "Tests.",
    .details = {},
    .options = {{.name = "--out", .value = "DIR", .help = "where", .letter = "-o"},
                {.name = "--quiet", .value = {}, .help = "say nothing"}},
    .ends_at_operand = false,
    .run = nullptr};

Arguments parse(const std::vector<std::string>& words, bool ends_at_operand = false) {
  tools::Command command = kCommand;
  command.ends_at_operand = ends_at_operand;
  return tools::parse_arguments(command, words);
}

TEST_CASE("options are read in each of their forms") {
  using Words = std::vector<std::string>;
  for (const Words& words : {Words{"--out", "d", "f"}, Words{"--out=d", "f"}, Words{"-o", "d", "f"},
                             Words{"f", "-od"}}) {
    const Arguments arguments = parse(words);
    CHECK(arguments.value("--out") == "d");
    CHECK(arguments.operands == Words{"f"});
    CHECK_FALSE(arguments.has("--quiet"));
  }
  CHECK(parse({"--out="}).value("--out") == "");
  CHECK(parse({"-"}).operands == Words{"-"});
}

TEST_CASE("another program's command line is left alone") {
  using Words = std::vector<std::string>;
  CHECK(parse({"--quiet", "ls", "--quiet", "-l"}, true).operands == Words{"ls", "--quiet", "-l"});
  CHECK(parse({"--", "--out"}, true).operands == Words{"--out"});
  CHECK(parse({"--", "--out"}).operands == Words{"--out"});
}

TEST_CASE("what is not understood is said") {
  CHECK_THROWS_WITH(parse({"--oops"}), "unknown option '--oops'");
  CHECK_THROWS_WITH(parse({"-x"}), "unknown option '-x'");
  CHECK_THROWS_WITH(parse({"--out"}), "--out needs a value: DIR");
  CHECK_THROWS_WITH(parse({"--quiet=1"}), "--quiet takes no value");
  const Arguments arguments = parse({"--out", "12x"});
  CHECK_THROWS_WITH(arguments.number("--out", 1, 0, 99),
                    "--out takes a number from 0 to 99, not '12x'");
  CHECK_THROWS_AS(parse({"--out", "100"}).number("--out", 1, 0, 99), UsageError);
  CHECK(parse({"--out", "99"}).number("--out", 1, 0, 99) == 99);
  CHECK(parse({}).number("--out", 1, 0, 99) == 1);
}

TEST_CASE("the help names every option") {
  const std::string help = tools::help_text(kCommand);
  CHECK(help.find("usage: otprof test [OPTIONS] FILE...") == 0);
  CHECK(help.find("-o, --out DIR") != std::string::npos);
  CHECK(help.find("--quiet") != std::string::npos);
}

TEST_CASE("addresses to listen on") {
  const auto parsed = [](const char* text) {
    const tools::ListenAddress address = tools::parse_listen_address(text);
    return address.host + " " + std::to_string(address.port);
  };
  CHECK(parsed("0.0.0.0:80") == "0.0.0.0 80");
  CHECK(parsed("localhost") == "localhost 4318");
  CHECK(parsed(":0") == "127.0.0.1 0");
  CHECK(parsed("[::1]:4318") == "::1 4318");
  CHECK(parsed("[::1]") == "::1 4318");
  for (const char* wrong : {"host:", "host:x", "host:-1", "host:65536", "::1", "a:1:2"}) {
    CHECK_THROWS_AS(tools::parse_listen_address(wrong), tools::InputError);
  }
  CHECK(tools::is_loopback("127.1.2.3"));
  CHECK(tools::is_loopback("::1"));
  CHECK(tools::is_loopback("localhost"));
  CHECK_FALSE(tools::is_loopback("0.0.0.0"));
  CHECK_FALSE(tools::is_loopback("127.0.0.1.evil.example"));
  CHECK_FALSE(tools::is_loopback("::"));
}

std::string value_of(const std::vector<std::string>& environment, const std::string& name) {
  std::string value = "(unset)";
  for (const std::string& entry : environment) {
    if (!entry.starts_with(name + "=")) continue;
    CHECK(value == "(unset)");  // no variable twice
    value = entry.substr(name.size() + 1);
  }
  return value;
}

TEST_CASE("a command runs in our environment, with only the profiles' part changed") {
  const tools::RunSettings settings{
      .library = "/lib/libotprof.so", .url = "http://127.0.0.1:1", .hz = "", .heap = true};
  const auto environment = tools::run_environment(
      {"PATH=/bin", "LD_PRELOAD=/lib/other.so", "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector",
       "OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT=http://elsewhere",
       "OTEL_EXPORTER_OTLP_PROFILES_HEADERS=key=secret", "OTPROF_EXPORTERS=pprof",
       "OTPROF_CPU_HZ=500"},
      settings);
  CHECK(value_of(environment, "PATH") == "/bin");
  CHECK(value_of(environment, "LD_PRELOAD") == "/lib/libotprof.so:/lib/other.so");
  CHECK(value_of(environment, "OTEL_EXPORTER_OTLP_ENDPOINT") == "http://collector");
  CHECK(value_of(environment, "OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT") ==
        "http://127.0.0.1:1/v1development/profiles");
  CHECK(value_of(environment, "OTEL_EXPORTER_OTLP_PROFILES_HEADERS") == "(unset)");
  CHECK(value_of(environment, "OTPROF_EXPORTERS") == "otlp,pprof");
  CHECK(value_of(environment, "OTPROF_CPU_HZ") == "500");
  CHECK(value_of(environment, "OTPROF_MAX_CPU_PERCENT") == "(unset)");
  CHECK(value_of(environment, "OTPROF_HEAP") == "(unset)");
  CHECK(value_of(environment, "OTPROF_EXPORT_INTERVAL") == "1s");

  const auto other =
      tools::run_environment({"OTPROF_EXPORT_INTERVAL=5s", "LD_PRELOAD="},
                             {.library = "/l", .url = "u", .hz = "99", .heap = false});
  CHECK(value_of(other, "LD_PRELOAD") == "/l");
  CHECK(value_of(other, "OTPROF_EXPORT_INTERVAL") == "5s");
  CHECK(value_of(other, "OTPROF_CPU_HZ") == "99");
  CHECK(value_of(other, "OTPROF_MAX_CPU_PERCENT") == "100");
  CHECK(value_of(other, "OTPROF_HEAP") == "false");
  CHECK(value_of(other, "OTPROF_EXPORTERS") == "(unset)");
}

TEST_CASE("numbers as people read them") {
  CHECK(tools::with_thousands(0) == "0");
  CHECK(tools::with_thousands(999) == "999");
  CHECK(tools::with_thousands(-1234567) == "-1,234,567");
  CHECK(tools::in_bytes(1023) == "1023 B");
  CHECK(tools::in_bytes(1536) == "1.5 KiB");
  CHECK(tools::in_bytes(std::int64_t{300} << 20) == "300 MiB");
  CHECK(tools::in_seconds(1'230'000'000) == "1.23 s");
  CHECK(tools::in_seconds(12'000'000) == "12.0 ms");
  CHECK(tools::in_unit(5000, "count") == "5,000");
}

TEST_CASE("names as people may read them") {
  CHECK(tools::printable("a\x1b[2J\xc2\x9b\xffz\xc3\xa9") == "a\\x1b[2J\\xc2\\x9b\\xffz\xc3\xa9");
  CHECK(tools::shortened("abcdefghij", 10) == "abcdefghij");
  CHECK(tools::shortened("abcdefghijkl", 9) == "abcd...kl");
  CHECK(tools::columns(tools::shortened("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 5)) ==
        5);
  CHECK(tools::shortened("abcdef", 2) == "..");
}

}  // namespace
}  // namespace otprof::test
