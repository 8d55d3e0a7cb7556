// SPDX-License-Identifier: Apache-2.0
//
// What a subcommand of otprof is: its help and its parser come from one description. Main thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace otprof::tools {

// A command line that cannot be carried out: one line, exit status 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Arguments {
 public:
  bool has(std::string_view option) const { return values_.find(option) != values_.end(); }
  std::optional<std::string> value(std::string_view option) const;
  // The whole of the value as a number within [low, high]; `fallback` if the option was not given;
  // UsageError else.
  std::int64_t number(std::string_view option, std::int64_t fallback, std::int64_t low,
                      std::int64_t high) const;

  std::vector<std::string> operands;

 private:
  friend Arguments parse_arguments(const struct Command& command,
                                   const std::vector<std::string>& words);
  std::map<std::string, std::string, std::less<>> values_;
};

struct Option {
  std::string_view name;   // with its dashes: "--out"
  std::string_view value;  // what stands for the value in the help, or empty: takes none
  std::string_view help;
  std::string_view letter = {};  // "-n", if there is a short form
};

struct Command {
  std::string_view name;
  std::string_view operands;  // as in the usage line
  std::string_view summary;   // one line, for the list of commands
  std::string_view details;   // further lines of its own help
  std::vector<Option> options;
  bool ends_at_operand;  // the first operand and all after it are another program's command line
  int (*run)(const Arguments& arguments);
};

Arguments parse_arguments(const Command& command, const std::vector<std::string>& words);
std::string help_text(const Command& command);

}  // namespace otprof::tools
