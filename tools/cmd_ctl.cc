// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

#include "tools/commands.h"
#include "tools/control_client.h"
#include "tools/input_error.h"
#include "tools/text.h"

namespace otprof::tools {
namespace {

// Longer than the process itself takes its time for (a flush waits for the receiver).
constexpr int kLongestWait = 65;

int list() {
  std::size_t reachable = 0;
  for (const Controllable& process : controllable_processes()) {
    if (process.pid == 0) continue;
    ++reachable;
    std::string name;
    std::getline(std::ifstream("/proc/" + std::to_string(process.pid) + "/comm"), name);
    std::printf("%7d  %s\n", process.pid, printable(name).c_str());
  }
  if (reachable == 0) {
    throw InputError("no process of this network namespace runs with OTPROF_CONTROL=true");
  }
  return 0;
}

std::string namespace_of(const std::string& process) {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/" + process + "/ns/net", error).string();
}

Controllable find(const std::string& pid) {
  char* end = nullptr;
  const long number = std::strtol(pid.c_str(), &end, 10);
  if (pid.empty() || *end != '\0' || number <= 0) {
    throw UsageError("'" + pid + "' is not the id of a process");
  }
  for (const Controllable& process : controllable_processes()) {
    if (process.pid == number) return process;
  }
  if (access(("/proc/" + pid).c_str(), F_OK) != 0) throw InputError("there is no process " + pid);
  if (const std::string there = namespace_of(pid);
      !there.empty() && there != namespace_of("self")) {
    throw InputError("process " + pid +
                     " has another network namespace; from there it can be asked (" +
                     "nsenter -t " + pid + " -n -p -m otprof ctl ...)");
  }
  throw InputError("process " + pid +
                   " cannot be asked: it needs the library and OTPROF_CONTROL=true");
}

// The process has a working directory of its own.
std::string request_line(const std::vector<std::string>& operands) {
  std::string line = operands[1];
  for (std::size_t i = 2; i < operands.size(); ++i) {
    const bool is_file = operands[1] == "snapshot" && i == 3;
    line += " " + (is_file ? std::filesystem::absolute(operands[i]).string() : operands[i]);
  }
  if (line.find('\n') != std::string::npos) throw UsageError("a line break is not possible here");
  return line;
}

int run(const Arguments& arguments) {
  if (arguments.operands.empty()) return list();
  if (arguments.operands.size() < 2)
    throw UsageError("what is process " + arguments.operands[0] +
                     " to do? 'otprof ctl --help' lists it");
  const std::string line = request_line(arguments.operands);
  const std::string answer = ask(find(arguments.operands[0]), line, kLongestWait);
  if (answer.starts_with("error: ")) {
    throw InputError(printable(answer.substr(7, answer.find('\n') - 7)));
  }
  std::istringstream lines(answer);
  std::string text;
  std::getline(lines, text);  // "ok"; what was asked for comes after it
  while (std::getline(lines, text)) std::printf("%s\n", printable(text).c_str());
  return 0;
}

}  // namespace

const Command kCtlCommand{
    .name = "ctl",
    .operands = "[PID REQUEST]",
    .summary = "Ask a running process, or tell it, what to profile; without arguments: list them.",
    .details =
        "For processes started with OTPROF_CONTROL=true, of the same user (or for root). "
        "Requests:\n"
        "  status                         engine, rates, samples, losses, deliveries\n"
        "  stop, start                    sample no longer, or again\n"
        "  flush                          end the window now, and wait until it is delivered\n"
        "  snapshot cpu|heap FILE         write what the window has so far; it goes on\n"
        "  cpu-hz N, heap-interval BYTES  other rates\n",
    .options = {},
    .ends_at_operand = false,
    .run = run,
};

}  // namespace otprof::tools
