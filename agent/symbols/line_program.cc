// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/line_program.h"

#include <algorithm>
#include <string_view>

#include "agent/symbols/dwarf_names.h"

namespace otprof::symbols {
namespace {

using Kind = AttributeValue::Kind;

// Entries of one table that are kept: 1 MiB. The rest of the files have no name.
constexpr std::size_t kMaxEntries = 32768;

// "/a/b/../c/./d" -> "/a/c/d"; "b" in "/a" -> "/a/b"; "b" in a directory without name -> "b".
std::string join(std::string_view directory, std::string_view name) {
  std::string joined;
  if (!name.starts_with('/')) joined = directory;
  if (!joined.empty()) joined += '/';
  joined += name;
  if (joined.size() > 2 * LineProgram::kMaxPathBytes) return {};
  std::vector<std::string_view> parts;
  for (std::string_view rest = joined; !rest.empty();) {
    const std::size_t end = std::min(rest.find('/'), rest.size());
    const std::string_view part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (part.empty() || part == ".") continue;
    if (part == ".." && !parts.empty() && parts.back() != "..") {
      parts.pop_back();
    } else {
      parts.push_back(part);
    }
  }
  std::string path;
  for (const std::string_view part : parts) {
    if (!path.empty() || joined.starts_with('/')) path += '/';
    path += part;
  }
  if (path.size() > LineProgram::kMaxPathBytes) path.resize(LineProgram::kMaxPathBytes);
  return path;
}

}  // namespace

bool LineProgram::open() {
  if (!unit_.line_program) return false;
  DebugCursor cursor(sections_, DebugSection::kLine, *unit_.line_program);
  const std::uint64_t length = cursor.initial_length(format_.offset_size);
  if (!cursor.ok() || length > cursor.limit() - cursor.position()) return false;
  limit_ = cursor.position() + length;
  format_.version = cursor.u16();
  if (format_.version < 2 || format_.version > 5) return false;
  if (format_.version == 5 && (cursor.u8() != 8 || cursor.u8() != 0)) return false;
  const std::uint64_t header_length = cursor.offset(format_.offset_size);
  if (!cursor.ok() || header_length > limit_ - cursor.position()) return false;
  program_ = cursor.position() + header_length;
  minimum_length_ = cursor.u8();
  if (format_.version >= 4) cursor.u8();  // operations per instruction: 1 on these machines
  cursor.u8();                            // whether rows begin as statements: all rows count here
  line_base_ = static_cast<std::int8_t>(cursor.u8());
  line_range_ = cursor.u8();
  opcode_base_ = cursor.u8();
  if (!cursor.ok() || line_range_ == 0 || opcode_base_ == 0) return false;
  for (int opcode = 1; opcode < opcode_base_; ++opcode) operands_.push_back(cursor.u8());
  if (format_.version < 5) return read_old_tables(cursor);
  return read_table(cursor, directories_) && read_table(cursor, files_);
}

bool LineProgram::read_old_tables(DebugCursor& cursor) {
  const auto read = [&](std::vector<File>& entries, bool has_numbers) {
    while (cursor.position() < program_ && cursor.ok()) {
      File entry{{Kind::kInlineString, cursor.position()}, 0};
      if (cursor.u8() == 0) break;
      cursor.skip_string();
      if (has_numbers) {
        entry.directory = cursor.uleb();
        cursor.uleb();  // time
        cursor.uleb();  // size
      }
      if (entries.size() < kMaxEntries) entries.push_back(entry);
    }
  };
  read(directories_, false);
  read(files_, true);
  return cursor.ok();
}

bool LineProgram::read_table(DebugCursor& cursor, std::vector<File>& entries) {
  std::vector<Column> columns(cursor.u8());
  for (Column& column : columns) {
    column.content = cursor.uleb();
    column.form = static_cast<std::uint16_t>(cursor.uleb());
  }
  const std::uint64_t count = cursor.uleb();
  if (columns.empty()) return cursor.ok() && count == 0;
  for (std::uint64_t i = 0; i < count && cursor.ok(); ++i) {
    File entry;
    for (const Column& column : columns) {
      AttributeValue value;
      if (!read_value(cursor, column.form, value)) return false;
      if (column.content == dwarf::kLnctPath) entry.name = value;
      if (column.content == dwarf::kLnctDirectoryIndex) entry.directory = value.value;
    }
    if (entries.size() < kMaxEntries) entries.push_back(entry);
  }
  return cursor.ok();
}

// The forms that the standard allows here (6.2.4.1) and what compilers use.
bool LineProgram::read_value(DebugCursor& cursor, std::uint16_t form, AttributeValue& value) const {
  switch (form) {
    case dwarf::kFormString:
      value = {Kind::kInlineString, cursor.position()};
      cursor.skip_string();
      break;
    case dwarf::kFormStrp: value = {Kind::kString, cursor.offset(format_.offset_size)}; break;
    case dwarf::kFormLineStrp:
      value = {Kind::kLineString, cursor.offset(format_.offset_size)};
      break;
    case dwarf::kFormStrx: value = {Kind::kStringIndex, cursor.uleb()}; break;
    case dwarf::kFormStrx1: value = {Kind::kStringIndex, cursor.u8()}; break;
    case dwarf::kFormStrx2: value = {Kind::kStringIndex, cursor.u16()}; break;
    case dwarf::kFormStrx3: value = {Kind::kStringIndex, cursor.number(3)}; break;
    case dwarf::kFormStrx4: value = {Kind::kStringIndex, cursor.u32()}; break;
    case dwarf::kFormUdata: value = {Kind::kNumber, cursor.uleb()}; break;
    case dwarf::kFormData1: value = {Kind::kNumber, cursor.u8()}; break;
    case dwarf::kFormData2: value = {Kind::kNumber, cursor.u16()}; break;
    case dwarf::kFormData4: value = {Kind::kNumber, cursor.u32()}; break;
    case dwarf::kFormData8: value = {Kind::kNumber, cursor.u64()}; break;
    case dwarf::kFormData16: cursor.skip(16); break;
    case dwarf::kFormBlock: cursor.skip(cursor.uleb()); break;
    case dwarf::kFormBlock1: cursor.skip(cursor.u8()); break;
    default: return false;
  }
  return cursor.ok();
}

std::string LineProgram::text(const AttributeValue& value) const {
  if (value.kind != Kind::kInlineString) {
    return string_of(sections_, unit_, value, kMaxPathBytes);
  }
  return DebugCursor(sections_, DebugSection::kLine, value.value, limit_).string(kMaxPathBytes);
}

std::string LineProgram::path(std::uint32_t file) {
  const bool from_one = format_.version < 5;
  const std::uint64_t at = from_one ? std::uint64_t{file} - 1 : file;
  if (at >= files_.size()) return {};
  const std::string name = text(files_[at].name);
  if (name.empty() || name.starts_with('/')) return name.empty() ? name : join({}, name);
  // Directory 0 is where the compiler ran; before DWARF 5 the table leaves it out.
  const std::string base = string_of(sections_, unit_, unit_.directory, kMaxPathBytes);
  const std::uint64_t directory = files_[at].directory;
  const std::uint64_t entry = from_one ? directory - 1 : directory;
  if (entry >= directories_.size()) return join(base, name);
  return join(join(base, text(directories_[entry].name)), name);
}

bool LineProgram::run(std::span<LineQuery> queries) {
  if (queries.empty()) return true;
  DebugCursor cursor(sections_, DebugSection::kLine, program_, limit_);
  Row row;
  Row previous;
  bool in_sequence = false;
  bool is_code = false;
  std::size_t next = 0;  // the first query that the sequence has not passed
  const auto emit = [&](bool ends) {
    if (!in_sequence) {
      if (!sections_.budget().take(ReadBudget::kSearch)) return false;
      const auto first = std::ranges::lower_bound(queries, row.address, {}, &LineQuery::address);
      next = static_cast<std::size_t>(first - queries.begin());
      // What the linker dropped keeps its rows, at addresses where no code is.
      is_code = next < queries.size() && sections_.elf().code_section(row.address) != nullptr;
    }
    for (; is_code && next < queries.size() && queries[next].address < row.address; ++next) {
      LineQuery& query = queries[next];
      if (!sections_.budget().take(1)) return false;
      if (query.found) continue;
      query.file = static_cast<std::uint32_t>(previous.file);
      query.line = static_cast<std::uint32_t>(previous.line);
      query.found = true;
    }
    previous = row;
    in_sequence = !ends;
    return true;
  };
  while (!cursor.at_end()) {
    const std::uint8_t opcode = cursor.u8();
    if (opcode >= opcode_base_) {
      const unsigned adjusted = opcode - opcode_base_;
      row.address += std::uint64_t{adjusted / line_range_} * minimum_length_;
      row.line += static_cast<std::uint64_t>(std::int64_t{line_base_} + adjusted % line_range_);
      if (!emit(false)) return false;
      continue;
    }
    switch (opcode) {
      case 0: {
        const std::uint64_t size = cursor.uleb();
        if (size == 0 || size > limit_ - cursor.position()) return false;
        const std::uint64_t end = cursor.position() + size;
        const std::uint8_t extended = cursor.u8();
        if (extended == dwarf::kLneEndSequence) {
          if (!emit(true)) return false;
          row = {};
        } else if (extended == dwarf::kLneSetAddress && size == 9) {
          row.address = cursor.u64();
        }
        cursor.seek(end);
        break;
      }
      case dwarf::kLnsCopy:
        if (!emit(false)) return false;
        break;
      case dwarf::kLnsAdvancePc: row.address += cursor.uleb() * minimum_length_; break;
      case dwarf::kLnsAdvanceLine: row.line += static_cast<std::uint64_t>(cursor.sleb()); break;
      case dwarf::kLnsSetFile: row.file = cursor.uleb(); break;
      case dwarf::kLnsConstAddPc:
        row.address += std::uint64_t{(255U - opcode_base_) / line_range_} * minimum_length_;
        break;
      case dwarf::kLnsFixedAdvancePc: row.address += cursor.u16(); break;
      default:
        for (int i = operands_[opcode - 1U]; i > 0; --i) cursor.uleb();
    }
  }
  return cursor.ok();
}

}  // namespace otprof::symbols
