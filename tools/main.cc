// SPDX-License-Identifier: Apache-2.0
//
// otprof: finds the subcommand, runs it and turns what it throws into one line and an exit status:
// 0 done, 1 failed, 2 not understood.
#include <array>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "tools/commands.h"
#include "tools/input_error.h"

namespace otprof::tools {
namespace {

constexpr std::array<const Command*, 10> kCommands = {
    &kRunCommand,   &kServeCommand, &kViewCommand,  &kTopCommand,    &kDiffCommand,
    &kLeaksCommand, &kDumpCommand, &kCtlCommand, &kCheckCommand, &kOptionsCommand};

std::string overview() {
  std::string text = "usage: otprof COMMAND [OPTIONS] ...\n\n";
  for (const Command* command : kCommands) {
    std::string name = "  " + std::string(command->name);
    name.resize(12, ' ');
    text += name + std::string(command->summary) + "\n";
  }
  return text + "\n'otprof COMMAND --help' says more about each.\n";
}

const Command& find_command(std::string_view name) {
  for (const Command* command : kCommands) {
    if (command->name == name) return *command;
  }
  throw UsageError("unknown command '" + std::string(name) + "'; 'otprof --help' lists them");
}

// Whether the command's own options ask for help: not the words of a program that it is to run.
bool wants_help(const Command& command, const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (word == "--help" || word == "-h") return true;
    if (word == "--" || (command.ends_at_operand && !word.starts_with("-"))) return false;
  }
  return false;
}

int run(const std::vector<std::string>& words) {
  if (words.empty()) {
    std::fputs(overview().c_str(), stderr);
    return 2;
  }
  if (words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    std::fputs(overview().c_str(), stdout);
    return 0;
  }
  if (words[0] == "--version") {
    std::puts("otprof " OTPROF_VERSION);
    return 0;
  }
  const Command& command = find_command(words[0]);
  const std::vector<std::string> rest(words.begin() + 1, words.end());
  if (wants_help(command, rest)) {
    std::fputs(help_text(command).c_str(), stdout);
    return 0;
  }
  try {
    return command.run(parse_arguments(command, rest));
  } catch (const UsageError& error) {
    throw UsageError(std::string(command.name) + ": " + error.what() + "; see otprof " +
                     std::string(command.name) + " --help");
  }
}

}  // namespace
}  // namespace otprof::tools

int main(int argc, char** argv) {
  try {
    const int status = otprof::tools::run({argv + 1, argv + argc});
    if (std::fflush(stdout) == 0) return status;
    std::perror("otprof: standard output");
    return 1;
  } catch (const otprof::tools::UsageError& error) {
    std::fprintf(stderr, "otprof: %s\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "otprof: %s\n", error.what());
    return 1;
  }
}
