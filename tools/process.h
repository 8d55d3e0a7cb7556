// SPDX-License-Identifier: Apache-2.0
//
// What the labels of samples say beyond the stack. Which process and thread a sample came from, as
// the formats have it: resource attributes in OTLP, labels of samples and comments in pprof. Any thread, one per dictionary.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "encoder/dictionary.h"
#include "encoder/profile.h"

namespace otprof::tools {

// Who a profile came from, as far as is known. Equal text and pid: the same process.
struct Process {
  std::string service = {};
  std::string executable = {};  // base name
  std::string instance = {};    // service.instance.id, or what else tells two runs apart
  std::int64_t pid = 0;
  auto operator<=>(const Process&) const = default;
};

Process process_of(const encoder::Resource& resource);
// pprof files have no resource: a file of one process says in comments which, "process.pid=7".
std::vector<std::string> process_comments(const Process& process);
Process process_of_comments(const encoder::Dictionary& dictionary,
                            const std::vector<encoder::Index>& comments);

// The process that the labels of a sample name: merged files hold several.
std::optional<Process> labelled_process(const encoder::Dictionary& dictionary, encoder::Index set);
bool is_process_label(std::string_view key);
// The attributes that labelled_process() reads.
std::vector<encoder::Index> process_labels(encoder::Dictionary& dictionary, const Process& process);

// The name of the thread a sample was taken on, from its labels; its id if it has no name; or "".
std::string thread_of(const encoder::Dictionary& dictionary, encoder::Index attribute_set);

// Why the stack of a sample does not reach the thread's first function, as libotprof labels it; empty
// if it does.
inline constexpr std::string_view kStackEndKey = "otprof.stack.end";
std::string_view stack_end_of(const encoder::Dictionary& dictionary, encoder::Index attribute_set);

}  // namespace otprof::tools
