// SPDX-License-Identifier: Apache-2.0
#include "encoder/byte_sink.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace otprof::encoder {

bool StringSink::write(const void* bytes, std::size_t size) {
  if (size > limit_ || out_.size() > limit_ - size) return false;
  out_.append(static_cast<const char*>(bytes), size);
  return true;
}

struct GzipSink::State {
  explicit State(ByteSink& to) : next(to) {}

  // Runs deflate until it has taken all input (and, for Z_FINISH, written all output).
  bool deflate_all(int flush);

  ByteSink& next;
  z_stream zlib{};
  bool open = false;  // deflateInit2 succeeded and nothing has failed since
  std::array<Bytef, 4096> stage;
};

bool GzipSink::State::deflate_all(int flush) {
  int result = Z_OK;
  do {
    zlib.next_out = stage.data();
    zlib.avail_out = static_cast<uInt>(stage.size());
    result = deflate(&zlib, flush);
    const std::size_t ready = stage.size() - zlib.avail_out;
    if (result == Z_STREAM_ERROR || (ready != 0 && !next.write(stage.data(), ready))) return false;
  } while (zlib.avail_out == 0 && result != Z_STREAM_END);
  return flush != Z_FINISH || result == Z_STREAM_END;
}

GzipSink::GzipSink(ByteSink& next, int level) : state_(std::make_unique<State>(next)) {
  constexpr int kGzipWindow = 15 + 16;  // 32 KiB window, gzip header and trailer
  constexpr int kMemoryLevel = 8;       // zlib's default: 256 KiB in all
  state_->open = deflateInit2(&state_->zlib, level, Z_DEFLATED, kGzipWindow, kMemoryLevel,
                              Z_DEFAULT_STRATEGY) == Z_OK;
}

GzipSink::~GzipSink() { deflateEnd(&state_->zlib); }

bool GzipSink::write(const void* bytes, std::size_t size) {
  const auto* at = static_cast<const Bytef*>(bytes);
  while (size != 0 && state_->open) {
    const std::size_t piece = std::min<std::size_t>(size, UINT32_MAX);  // zlib counts in 32 bits
    state_->zlib.next_in = const_cast<Bytef*>(at);                      // zlib does not write to it
    state_->zlib.avail_in = static_cast<uInt>(piece);
    state_->open = state_->deflate_all(Z_NO_FLUSH);
    at += piece;
    size -= piece;
  }
  return state_->open;
}

bool GzipSink::finish() {
  if (!state_->open) return false;
  state_->zlib.avail_in = 0;
  state_->open = false;  // complete or broken: nothing may follow
  return state_->deflate_all(Z_FINISH);
}

}  // namespace otprof::encoder
