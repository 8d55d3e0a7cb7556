// SPDX-License-Identifier: Apache-2.0
#include "agent/delivery.h"

#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "agent/log.h"
#include "agent/otlp_config.h"
#include "agent/version.h"
#include "encoder/pprof.h"
#include "transport/profile_file.h"

namespace otprof::agent {
namespace {

// Numbers the windows of this process, over all Delivery objects it has in its life, so that no file
// replaces another.
std::uint64_t windows_of_process = 0;

// A service name may hold anything; a file name may not.
std::string file_name_part(std::string_view text) {
  constexpr std::size_t kMost = 100;
  std::string part;
  for (const char c : text.substr(0, kMost)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '_' || c == '-';
    part += plain ? c : '_';
  }
  return part;
}

// Counts what goes through to `next`.
class CountingSink final : public encoder::ByteSink {
 public:
  explicit CountingSink(encoder::ByteSink& next) : next_(next) {}
  bool write(const void* bytes, std::size_t size) override {
    size_ += size;
    return next_.write(bytes, size);
  }
  std::size_t size() const { return size_; }

 private:
  encoder::ByteSink& next_;
  std::size_t size_ = 0;
};

bool encode_pprof_gzip(const encoder::Dictionary& dictionary, const encoder::Profile& profile,
                       std::string& out) {
  encoder::StringSink bytes(out);
  encoder::GzipSink gzip(bytes);
  return encoder::encode_pprof(dictionary, profile, gzip) && gzip.finish();
}

// Null when none is wanted, or none can be had.
std::unique_ptr<transport::Spool> open_spool(const Options& options, const Identity& identity) {
  if (options.spool_dir.empty()) {
    return nullptr;
  }
  std::string error;
  auto spool = transport::Spool::open(
      {.directory = options.spool_dir,
       .service = identity.service_name,
       .max_bytes = static_cast<std::uint64_t>(options.spool_max),
       .warn = [](void* /*context*/, std::string_view message) { log_warning(message); },
       .warn_context = nullptr},
      error);
  if (spool == nullptr) {
    log_warning("OTPROF_SPOOL_DIR cannot be used (" + error + "); windows wait in memory only");
  }
  return spool;
}

}  // namespace

Delivery::Delivery(const Options& options, const Identity& identity,
                   std::optional<transport::SenderConfig> sender)
    : options_(options), identity_(identity) {
  scope_.name = "libotprof";
  scope_.version = kVersion;
  if (sender) {
    outbox_ =
        std::make_unique<transport::Outbox>(*std::move(sender), open_spool(options, identity));
  }
}

void Delivery::deliver(const encoder::Dictionary& dictionary,
                       std::span<const encoder::Profile> profiles,
                       std::span<const std::string_view> kinds) {
  ++counters_.windows;
  ++windows_of_process;
  if ((options_.exporters & kExportPprof) != 0) {
    for (std::size_t i = 0; i < profiles.size(); ++i) {
      write_pprof(dictionary, profiles[i], kinds[i]);
    }
  }
  if (outbox_ != nullptr) {
    send_otlp(dictionary, profiles);
  }
}

void Delivery::write_pprof(const encoder::Dictionary& dictionary, const encoder::Profile& profile,
                           std::string_view kind) {
  std::string bytes;
  std::string error;
  if (!encode_pprof_gzip(dictionary, profile, bytes)) {
    count_encode_failure();
    return;
  }
  std::string name = file_name_part(identity_.service_name);
  name.append("-").append(std::to_string(getpid()));
  name.append("-").append(std::to_string(windows_of_process));
  name.append(".").append(kind).append(".pb.gz");
  if (transport::write_file_atomically(options_.pprof_dir, name, bytes, error)) {
    ++counters_.files_written;
    return;
  }
  // Once: the same directory fails at every window.
  if (counters_.files_failed++ == 0) {
    log_warning("profile not written: " + error + "; later ones are tried again");
  }
}

bool Delivery::write_snapshot(const encoder::Dictionary& dictionary,
                              const encoder::Profile& profile, std::string_view path) {
  const std::size_t slash = path.rfind('/');
  std::string bytes;
  std::string error = "it could not be encoded";
  if (encode_pprof_gzip(dictionary, profile, bytes) &&
      transport::write_file_atomically(std::string(path.substr(0, slash + 1)),
                                       std::string(path.substr(slash + 1)), bytes, error)) {
    return true;
  }
  log_warning("snapshot not written: " + error);
  return false;
}

std::size_t Delivery::waiting() const {
  if (outbox_ == nullptr) {
    return 0;
  }
  const transport::Outbox::State state = outbox_->state();
  return state.queued + state.on_disk;
}

void Delivery::count_encode_failure() {
  if (counters_.encode_failed++ == 0) {
    log_warning("a window could not be encoded and is lost; later ones are counted only");
  }
}

void Delivery::send_otlp(const encoder::Dictionary& dictionary,
                         std::span<const encoder::Profile> profiles) {
  outbox_->deliver(profiles.front().time_unix_nano, encode(dictionary, profiles));
}

void Delivery::keep_piece(const encoder::Dictionary& dictionary,
                          std::span<const encoder::Profile> profiles) {
  for (const transport::Body& body : encode(dictionary, profiles)) {
    outbox_->journal(profiles.front().time_unix_nano, body);
  }
}

void Delivery::skip_window() {
  if (outbox_ != nullptr) {
    outbox_->deliver(0, {});
  }
}

std::vector<transport::Body> Delivery::encode(const encoder::Dictionary& dictionary,
                                              std::span<const encoder::Profile> profiles) {
  encoder::RequestLimits limits;
  const std::vector<std::string> payloads = original_payloads(dictionary, profiles, limits);
  std::size_t oversized = 0;
  std::vector<transport::Body> bodies;
  for (const encoder::Request& request : encoder::plan_requests(
           dictionary, identity_.resource, scope_, profiles, limits, oversized)) {
    std::vector<encoder::OriginalPayload> attached;
    for (const encoder::ProfileSlice& slice : request) {
      const auto at = static_cast<std::size_t>(slice.profile - profiles.data());
      // Once, with the first slice, for a profile that had to be split.
      attached.push_back(slice.first == 0 && !payloads[at].empty()
                             ? encoder::OriginalPayload{"pprof", payloads[at]}
                             : encoder::OriginalPayload{});
    }
    if (transport::Body body; encode_request(dictionary, request, attached, body)) {
      bodies.push_back(std::move(body));
    }
  }
  counters_.oversized_samples += oversized;
  return bodies;
}

// The pprof bytes of each profile, empty where none are wanted. They count towards what receivers
// take, so `limits` shrinks by them; what would leave too little of it is not attached.
std::vector<std::string> Delivery::original_payloads(const encoder::Dictionary& dictionary,
                                                     std::span<const encoder::Profile> profiles,
                                                     encoder::RequestLimits& limits) {
  std::vector<std::string> payloads(profiles.size());
  if (!options_.original_payload) {
    return payloads;
  }
  const std::size_t most = limits.profile_bytes / 2;
  std::size_t largest = 0;
  for (std::size_t i = 0; i < profiles.size(); ++i) {
    if (!encode_pprof_gzip(dictionary, profiles[i], payloads[i])) {
      payloads[i].clear();
    }
    if (payloads[i].size() > most) {
      payloads[i].clear();
      if (counters_.payloads_left_out++ == 0) {
        log_warning("a pprof payload is too large to be attached (over " + std::to_string(most) +
                    " bytes); its profile is sent without, later ones are counted only");
      }
    }
    largest = std::max(largest, payloads[i].size());
    limits.request_bytes -= payloads[i].size();
  }
  limits.profile_bytes -= largest;
  return payloads;
}

bool Delivery::encode_request(const encoder::Dictionary& dictionary,
                              const encoder::Request& request,
                              std::span<const encoder::OriginalPayload> payloads,
                              transport::Body& body) {
  body.gzip = wants_gzip(options_);
  encoder::StringSink bytes(body.bytes);
  encoder::GzipSink gzip(bytes);
  CountingSink counted(body.gzip ? static_cast<encoder::ByteSink&>(gzip) : bytes);
  if (!encoder::encode_otlp(dictionary, identity_.resource, scope_, request, payloads, counted) ||
      (body.gzip && !gzip.finish())) {
    count_encode_failure();
    return false;
  }
  body.uncompressed_bytes = counted.size();
  return true;
}

std::chrono::steady_clock::time_point Delivery::step() {
  return outbox_ == nullptr ? std::chrono::steady_clock::time_point::max() : outbox_->step();
}

bool Delivery::in_flight() const { return outbox_ != nullptr && outbox_->in_flight(); }

void Delivery::wait(std::chrono::milliseconds limit) { outbox_->wait(limit); }

void Delivery::finish(std::chrono::steady_clock::time_point deadline) {
  if (outbox_ != nullptr) {
    outbox_->finish(deadline);
  }
}

void Delivery::tell_summary() const {
  if (outbox_ == nullptr) {
    return;
  }
  const transport::Outbox::State state = outbox_->state();
  const auto number = [](std::uint64_t value) { return std::to_string(value); };
  std::string line = "OTLP requests: " + number(state.made) + " made";
  if (state.spool.recovered > 0) {
    line += ", " + number(state.spool.recovered) + " of earlier processes";
  }
  line += "; " + number(state.sender.delivered) + " delivered, " + number(state.on_disk) +
          " on disk, " + number(state.queued) + " queued, " + number(state.sender.dropped_refused) +
          " refused, " + number(state.sender.dropped_queue_full) + " dropped for a full queue, " +
          number(state.spool.dropped) + " for a full disk spool, " +
          number(state.sender.dropped_too_large) + " too large, " +
          number(state.sender.dropped_at_exit) + " at exit";
  if (state.spool.passed_on > 0) {
    line += ", " + number(state.spool.passed_on) + " left to other processes";
  }
  log_info(line + "; " + number(state.sender.retries) + " retries");
}

}  // namespace otprof::agent
