// SPDX-License-Identifier: Apache-2.0
//
// What was recorded, summed: any number of files, requests and windows become one profile per kind
// (CPU, heap, ...) that knows which process each sample came from. Every command looks at this.
//
// Promises: what counts events (samples, cpu, alloc_*) is added up; what describes a state
// (inuse_*) is the last state of each process, added up over the processes, whatever the order in
// which the windows came. A CPU profile that only counts samples gets its cpu/nanoseconds from the
// period. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "encoder/dictionary.h"
#include "encoder/profile.h"
#include "tools/process.h"
#include "tools/sample_rows.h"

namespace otprof::tools {

// The profiles of one kind. Rows are unique by {stack, attributes, link, process}; columns are in
// the order of `types`.
struct MergedProfile {
  std::string kind;  // "cpu", "heap", or the sample type's own name
  std::vector<encoder::ValueType> types;
  std::uint32_t default_type = 0;
  encoder::ValueType period_type;
  std::int64_t period = 0;
  std::uint64_t start_unix_nano = 0;
  std::uint64_t end_unix_nano = 0;
  std::set<std::string> engines;  // what took the samples, if the agent says so
  std::int64_t samples_lost = 0;  // as the agent counted them
  SampleRows rows;
  // When the state of {process, column} in the rows was taken.
  std::map<std::pair<std::uint32_t, std::size_t>, std::uint64_t> state_taken;
};

class Recording {
 public:
  enum class Keep {
    kEverything,  // labels and links
    kThreads      // the thread's name only: what a long-running receiver can afford
  };

  explicit Recording(Keep keep = Keep::kEverything) : keep_(keep) {}

  // `process` is overridden by a sample's own process.pid label, which merged files carry.
  void add(const encoder::Dictionary& from, const encoder::Profile& profile,
           const Process& process);

  const encoder::Dictionary& dictionary() const { return dictionary_; }
  const std::vector<Process>& processes() const { return processes_; }
  // CPU first, then heap, then the others in the order in which they came.
  const std::vector<MergedProfile>& profiles() const { return profiles_; }
  const MergedProfile* find(std::string_view kind) const;

  // The columns of `profile` in the customary order of the pprof format.
  std::vector<std::size_t> column_order(const MergedProfile& profile) const;
  // For display: the default type if any sample has a value of it, else one that has.
  std::size_t shown_column(const MergedProfile& profile) const;
  // -1 if there is none of this type name.
  int column_of(const MergedProfile& profile, std::string_view type) const;

  // As one profile of `dictionary()`, ready for the pprof encoder. If there are several processes
  // each sample is labelled with its process.pid and process.executable.name; if there is one,
  // comments say which.
  encoder::Profile to_profile(const MergedProfile& profile);

  std::size_t memory_bytes() const;
  // Forgets the processes that were heard of least recently until at most `limit` bytes are held.
  // The number of processes forgotten.
  std::size_t trim(std::size_t limit);

 private:
  class Addition;

  MergedProfile& merged(std::string_view kind);
  std::uint32_t process_index(const Process& process);
  std::size_t column(MergedProfile& merged, encoder::ValueType type) const;
  Recording without(const std::vector<bool>& forgotten) const;

  Keep keep_;
  encoder::Dictionary dictionary_;
  std::vector<Process> processes_;
  std::map<Process, std::uint32_t> process_index_;
  std::vector<std::uint64_t> last_heard_;  // by process, in counts of add()
  std::uint64_t adds_ = 0;
  std::vector<MergedProfile> profiles_;
};

}  // namespace otprof::tools
