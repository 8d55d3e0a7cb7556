// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/inflated_section.h"

#define ZLIB_CONST
#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "agent/symbols/debug_sections.h"

namespace otprof::symbols {
namespace {

constexpr std::uint64_t kLeastBetweenRestarts = 1 << 20;
// zlib's data_type after Z_BLOCK (zlib.h): at the end of a block, and of the last block.
constexpr int kEndOfBlock = 128;
constexpr int kLastBlock = 64;
constexpr int kUnusedBits = 7;
// What a block costs at least, in the budget's steps: it may begin with tables, and hold nothing.
constexpr std::uint64_t kBlockSteps = 256;

}  // namespace

const unsigned char* InflatedPieces::find(const InflatedSection* section, std::uint64_t number) {
  for (Piece& piece : pieces_) {
    if (piece.section != section || piece.number != number) continue;
    piece.used = ++clock_;
    return piece.bytes.get();
  }
  return nullptr;
}

unsigned char* InflatedPieces::add(const InflatedSection* section, std::uint64_t number) {
  Piece* place = nullptr;
  if (pieces_.size() < kMaxPieces) {
    place = &pieces_.emplace_back();
    place->bytes = std::make_unique_for_overwrite<unsigned char[]>(kPieceBytes);
  } else {
    place = &*std::ranges::min_element(pieces_, {}, &Piece::used);
  }
  place->section = section;
  place->number = number;
  place->used = ++clock_;
  return place->bytes.get();
}

void InflatedPieces::forget(const InflatedSection* section, std::uint64_t number) {
  std::erase_if(pieces_, [&](const Piece& piece) {
    return piece.section == section && piece.number == number;
  });
}

InflatedSection::InflatedSection(const ByteSource& source, std::uint64_t offset,
                                 std::uint64_t stored, std::uint64_t size, InflatedPieces& pieces)
    : source_(source), offset_(offset), stored_(stored), size_(size), pieces_(pieces) {}

InflatedSection::~InflatedSection() { end(); }

void InflatedSection::end() {
  if (stream_ != nullptr) inflateEnd(stream_.get());
  stream_.reset();
}

bool InflatedSection::read(std::uint64_t offset, void* to, std::size_t size, ReadBudget& budget) {
  auto* out = static_cast<unsigned char*>(to);
  while (size > 0) {
    const std::uint64_t number = offset / InflatedPieces::kPieceBytes;
    const std::size_t within = offset % InflatedPieces::kPieceBytes;
    const unsigned char* piece = pieces_.find(this, number);
    if (piece == nullptr) {
      if (!load(number, budget)) return false;
      piece = pieces_.find(this, number);
    }
    const std::size_t part = std::min(size, InflatedPieces::kPieceBytes - within);
    std::memcpy(out, piece + within, part);
    out += part;
    offset += part;
    size -= part;
  }
  return true;
}

bool InflatedSection::load(std::uint64_t number, ReadBudget& budget) {
  const std::uint64_t start = number * InflatedPieces::kPieceBytes;
  const std::size_t size = std::min<std::uint64_t>(InflatedPieces::kPieceBytes, size_ - start);
  unsigned char* const piece = pieces_.add(this, number);
  bool sane = begin_at(start, budget);
  while (sane && produced_ < start) {
    sane = produce(piece, std::min<std::uint64_t>(InflatedPieces::kPieceBytes, start - produced_),
                   budget);
  }
  sane = sane && produce(piece, size, budget);
  if (!sane) {
    pieces_.forget(this, number);
    end();
  }
  return sane;
}

// Makes the stream be at `produced` or before it, as near as it can.
bool InflatedSection::begin_at(std::uint64_t produced, ReadBudget& budget) {
  const auto after = std::ranges::upper_bound(restarts_, produced, {}, &Restart::produced);
  const Restart* const restart = after == restarts_.begin() ? nullptr : &*std::prev(after);
  if (stream_ != nullptr && produced_ <= produced &&
      (restart == nullptr || restart->produced <= produced_)) {
    return true;
  }
  end();
  if (!budget.take(kWindowBytes)) return false;
  input_.resize(kInputBytes);
  auto stream = std::make_unique<z_stream_s>();
  const int bits = restart == nullptr ? MAX_WBITS : -MAX_WBITS;  // negative: behind the header
  if (inflateInit2(stream.get(), bits) != Z_OK) return false;
  stream_ = std::move(stream);
  produced_ = consumed_ = 0;
  if (restart == nullptr) return true;
  produced_ = restart->produced;
  consumed_ = restart->consumed;
  if (restart->bits != 0) {
    unsigned char byte = 0;
    if (!source_.read(offset_ + consumed_ - 1, &byte, 1) ||
        inflatePrime(stream_.get(), restart->bits, byte >> (8 - restart->bits)) != Z_OK) {
      return false;
    }
  }
  return inflateSetDictionary(stream_.get(), restart->window.data(),
                              static_cast<uInt>(restart->window.size())) == Z_OK;
}

bool InflatedSection::fill_input(ReadBudget& budget) {
  const std::size_t size = std::min<std::uint64_t>(input_.size(), stored_ - consumed_);
  if (size == 0 || !budget.take(ReadBudget::kRead + size) ||
      !source_.read(offset_ + consumed_, input_.data(), size))
    return false;
  consumed_ += size;
  stream_->next_in = input_.data();
  stream_->avail_in = static_cast<uInt>(size);
  return true;
}

// The next `size` bytes.
bool InflatedSection::produce(unsigned char* to, std::size_t size, ReadBudget& budget) {
  if (!budget.take(size)) return false;
  const std::uint64_t spacing = std::max(kLeastBetweenRestarts, size_ / kMaxRestarts);
  stream_->next_out = to;
  stream_->avail_out = static_cast<uInt>(size);
  while (stream_->avail_out > 0) {
    if (stream_->avail_in == 0 && !fill_input(budget)) return false;
    if (!budget.take(kBlockSteps)) return false;
    const uInt room = stream_->avail_out;
    const int status = inflate(stream_.get(), Z_BLOCK);
    produced_ += room - stream_->avail_out;
    if (status == Z_STREAM_END) return stream_->avail_out == 0;
    if (status != Z_OK) return false;
    const std::uint64_t last = restarts_.empty() ? 0 : restarts_.back().produced;
    const bool between_blocks = (stream_->data_type & (kEndOfBlock | kLastBlock)) == kEndOfBlock;
    if (!between_blocks || produced_ < last + spacing || restarts_.size() == kMaxRestarts) continue;
    Restart& restart = restarts_.emplace_back();
    restart.produced = produced_;
    restart.consumed = consumed_ - stream_->avail_in;
    restart.bits = stream_->data_type & kUnusedBits;
    restart.window.resize(kWindowBytes);
    uInt length = 0;
    if (inflateGetDictionary(stream_.get(), restart.window.data(), &length) != Z_OK) return false;
    restart.window.resize(length);
  }
  return true;
}

}  // namespace otprof::symbols
