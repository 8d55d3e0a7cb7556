// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tools/commands.h"
#include "tools/text.h"
#include "tools/top_table.h"

namespace otprof::tools {
namespace {

struct Row {
  const char* variable;
  const char* fallback;
  const char* accepted;
  const char* help;
};

// A copy of agent/options.def, made by the build: the agent's own table, without its code.
constexpr Row kRows[] = {
#define OTPROF_OPTION(field, variable, kind, fallback, accepted, help) \
  {variable, fallback, accepted, help},
#include "options_data.h"
#undef OTPROF_OPTION
};

// Breaks text at spaces into lines of at most `width` columns, each but the first indented.
std::string wrapped(std::string_view text, std::size_t width, std::size_t indent) {
  std::string out;
  while (text.size() > width) {
    std::size_t end = text.rfind(' ', width);
    if (end == std::string_view::npos || end == 0) end = width;
    out += std::string(text.substr(0, end)) + "\n" + std::string(indent, ' ');
    text.remove_prefix(std::min(text.size(), end + (text[end] == ' ' ? 1 : 0)));
  }
  return out + std::string(text);
}

int run(const Arguments& arguments) {
  if (!arguments.operands.empty()) {
    throw UsageError("unexpected '" + arguments.operands.front() + "'");
  }
  constexpr std::size_t kIndent = 6;
  const std::size_t width = std::min<std::size_t>(terminal_width(STDOUT_FILENO), 100) - kIndent;
  for (const Row& row : kRows) {
    const char* const set = std::getenv(row.variable);
    std::string head = row.variable;
    head += *row.fallback != '\0' ? std::string(" = ") + row.fallback : "";
    // A value may be a password.
    if (set != nullptr && *set != '\0') head += "   (set in this environment)";
    std::printf(
        "%s\n%s%s\n", head.c_str(), std::string(kIndent, ' ').c_str(),
        wrapped(std::string(row.help) + ". Accepts " + row.accepted + ".", width, kIndent).c_str());
  }
  return 0;
}

}  // namespace

const Command kOptionsCommand{
    .name = "options",
    .operands = {},
    .summary = "List the environment variables that configure the library, with their defaults.",
    .details = {},
    .options = {},
    .ends_at_operand = false,
    .run = run,
};

}  // namespace otprof::tools
