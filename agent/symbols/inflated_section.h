// SPDX-License-Identifier: Apache-2.0
//
// Random access to a zlib stream in a file without having all of it uncompressed: pieces are kept as
// long as there is room, and points from which inflating can begin again.
//
// Promises: memory stays below kMaxPieces pieces for all sections that share them, and kMaxRestarts
// windows of 32 KiB for each section, whatever the file says; what is inflated, from how much, and
// each beginning are charged to the budget of the reader. Background thread only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "agent/symbols/byte_source.h"

struct z_stream_s;

namespace otprof::symbols {

class ReadBudget;
class InflatedSection;

// The pieces of all sections of a file, the one used longest ago makes place for a new one.
class InflatedPieces {
 public:
  static constexpr std::size_t kPieceBytes = 65536;
  static constexpr std::size_t kMaxPieces = 64;

  // Null if it is not there.
  const unsigned char* find(const InflatedSection* section, std::uint64_t number);
  // Room for a piece, which find() finds from now on.
  unsigned char* add(const InflatedSection* section, std::uint64_t number);
  void forget(const InflatedSection* section, std::uint64_t number);

 private:
  struct Piece {
    const InflatedSection* section = nullptr;
    std::uint64_t number = 0;
    std::uint64_t used = 0;
    std::unique_ptr<unsigned char[]> bytes;
  };
  std::vector<Piece> pieces_;
  std::uint64_t clock_ = 0;
};

class InflatedSection {
 public:
  // `stored` bytes at `offset` of `source` are `size` bytes when inflated. Both references must
  // outlive the object.
  InflatedSection(const ByteSource& source, std::uint64_t offset, std::uint64_t stored,
                  std::uint64_t size, InflatedPieces& pieces);
  ~InflatedSection();
  InflatedSection(const InflatedSection&) = delete;
  InflatedSection& operator=(const InflatedSection&) = delete;

  // `offset` and `size` lie within the section. False when the stream is damaged or the budget spent.
  bool read(std::uint64_t offset, void* to, std::size_t size, ReadBudget& budget);

  static constexpr std::size_t kMaxRestarts = 64;

 private:
  static constexpr std::size_t kInputBytes = 16384;
  static constexpr std::size_t kWindowBytes = 32768;
  struct Restart {
    std::uint64_t produced = 0;
    std::uint64_t consumed = 0;
    int bits = 0;  // of the byte before `consumed` that are not consumed yet
    std::vector<unsigned char> window;
  };

  bool load(std::uint64_t number, ReadBudget& budget);
  bool begin_at(std::uint64_t produced, ReadBudget& budget);
  bool produce(unsigned char* to, std::size_t size, ReadBudget& budget);
  bool fill_input(ReadBudget& budget);
  void end();

  const ByteSource& source_;
  const std::uint64_t offset_;
  const std::uint64_t stored_;
  const std::uint64_t size_;
  InflatedPieces& pieces_;
  std::unique_ptr<z_stream_s> stream_;  // null: not begun
  std::uint64_t produced_ = 0;
  std::uint64_t consumed_ = 0;  // of the stored bytes, those handed to the stream
  std::vector<unsigned char> input_;
  std::vector<Restart> restarts_;  // ascending
};

}  // namespace otprof::symbols
