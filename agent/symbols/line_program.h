// SPDX-License-Identifier: Apache-2.0
//
// Addresses -> file and line, by running the line program of one unit (.debug_line, DWARF 2 to 5).
// No table is made: the rows pass by, and the addresses pick theirs. Background thread only.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "agent/symbols/debug_cursor.h"
#include "agent/symbols/debug_unit.h"

namespace otprof::symbols {

struct LineQuery {
  std::uint64_t address = 0;  // in the file's own view
  std::uint32_t file = 0;     // for LineProgram::path()
  std::uint32_t line = 0;     // 0: code of no line
  bool found = false;
};

class LineProgram {
 public:
  // `sections` and `unit` must outlive the object.
  LineProgram(DebugSections& sections, const DebugUnit& unit) : sections_(sections), unit_(unit) {}

  // Reads the header. False when there is none or it is malformed.
  bool open();
  // `queries` ascending by address. False when the program is malformed; what was found stands.
  bool run(std::span<LineQuery> queries);
  // The absolute path of a file, without "." and "..", as far as directories are known; at most
  // kMaxPathBytes. Empty if there is no such file.
  std::string path(std::uint32_t file);

  static constexpr std::size_t kMaxPathBytes = 1024;

 private:
  struct File {
    AttributeValue name;
    std::uint64_t directory = 0;
  };
  struct Column {
    std::uint64_t content = 0;
    std::uint16_t form = 0;
  };
  struct Row {
    std::uint64_t address = 0;
    std::uint64_t file = 1;
    std::uint64_t line = 1;
  };

  bool read_old_tables(DebugCursor& cursor);
  bool read_table(DebugCursor& cursor, std::vector<File>& entries);
  bool read_value(DebugCursor& cursor, std::uint16_t form, AttributeValue& value) const;
  std::string text(const AttributeValue& value) const;

  DebugSections& sections_;
  const DebugUnit& unit_;
  UnitFormat format_;
  std::uint64_t program_ = 0;  // offset of the first instruction
  std::uint64_t limit_ = 0;
  std::uint8_t minimum_length_ = 1;
  std::uint8_t line_range_ = 1;
  std::int8_t line_base_ = 0;
  std::uint8_t opcode_base_ = 1;
  std::vector<std::uint8_t> operands_;  // of standard opcodes, by opcode - 1
  std::vector<File> directories_;
  std::vector<File> files_;
};

}  // namespace otprof::symbols
