// SPDX-License-Identifier: Apache-2.0
//
// Where the functions of a stripped file begin: without names an address can still be attributed to
// its function, because the unwind tables that every file keeps say where each one starts. For
// display only, and only where the profile was taken or the same files are installed.
//
// Promises: a file is believed only if its build id is the one in the profile; any file may be named
// by a profile, so only regular files are read, never blocked on, and bounds are checked. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace otprof::tools {

class FunctionStarts {
 public:
  // Nothing is found in a file that is missing, other than expected, or has no table.
  FunctionStarts(const std::string& path, std::string_view build_id_hex);

  // The file's own address (as objdump shows it) of a byte of the file.
  std::optional<std::uint64_t> address_of(std::uint64_t file_offset) const;
  // The start of the function that an address of the file lies in.
  std::optional<std::uint64_t> start_of(std::uint64_t address) const;

 private:
  struct Segment {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::uint64_t address = 0;
  };
  void read_table(int file, std::uint64_t offset, std::uint64_t size, std::uint64_t address);

  std::vector<Segment> segments_;
  std::vector<std::uint64_t> starts_;  // sorted
};

}  // namespace otprof::tools
