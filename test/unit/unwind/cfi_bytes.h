// SPDX-License-Identifier: Apache-2.0
//
// Writes call frame information by hand, for tests.
#pragma once

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "agent/unwind/eh_frame.h"

namespace otprof::test {

using Program = std::vector<std::uint8_t>;

// A description with the usual CIE of x86-64: code alignment 1, data alignment -8, CFA = rsp + 8 and
// the return address at CFA - 8. The programs' bytes must outlive it.
inline unwind::FrameDescription describe(const Program& program, const Program& initial,
                                         std::uint64_t pc_begin = 0x1000) {
  unwind::FrameDescription description;
  description.pc_begin = pc_begin;
  description.pc_range = 0x1000;
  description.code_alignment = 1;
  description.data_alignment = -8;
  description.initial_program = initial;
  description.program = program;
  description.section = program;
  return description;
}

inline const Program kUsualInitial = {0x0c, 7, 8,  // def_cfa rsp, 8
                                      0x90, 1};    // offset ra, -8

// An .eh_frame section with one CIE, as the linker lays it out.
class EhFrameBuilder {
 public:
  void bytes(std::initializer_list<unsigned> values) {
    for (const unsigned value : values) data_.push_back(static_cast<std::uint8_t>(value));
  }
  void text(std::string_view value) {
    data_.insert(data_.end(), value.begin(), value.end());
    data_.push_back(0);
  }
  template <typename T>
  void number(T value) {
    const std::size_t at = data_.size();
    data_.resize(at + sizeof value);
    std::memcpy(data_.data() + at, &value, sizeof value);
  }
  template <typename T>
  void patch(std::size_t at, T value) {
    std::memcpy(data_.data() + at, &value, sizeof value);
  }
  std::size_t size() const { return data_.size(); }
  std::size_t begin_entry() {
    number<std::uint32_t>(0);
    return data_.size();
  }
  void end_entry(std::size_t begin) {
    while ((data_.size() - begin) % 8 != 4) data_.push_back(0);
    patch(begin - 4, static_cast<std::uint32_t>(data_.size() - begin));
  }
  const std::vector<std::uint8_t>& data() const { return data_; }

 private:
  std::vector<std::uint8_t> data_;
};

}  // namespace otprof::test
