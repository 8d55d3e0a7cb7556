// SPDX-License-Identifier: Apache-2.0
#include "agent/self_report.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace otprof::agent {
namespace {

class Attributes {
 public:
  Attributes(encoder::Dictionary& dictionary, encoder::Profile& profile)
      : dictionary_(dictionary), profile_(profile) {
    const auto before = dictionary.attribute_sets()[profile.attributes].attributes;
    indices_.assign(before.begin(), before.end());
  }
  ~Attributes() { profile_.attributes = dictionary_.intern_attribute_set(indices_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;

  void add(std::string_view key, std::uint64_t value, std::string_view unit = {}) {
    indices_.push_back(dictionary_.int_attribute(key, static_cast<std::int64_t>(value), unit));
  }
  void add_unless_zero(std::string_view key, std::uint64_t value, std::string_view unit = {}) {
    if (value != 0) {
      add(key, value, unit);
    }
  }

 private:
  encoder::Dictionary& dictionary_;
  encoder::Profile& profile_;
  std::vector<encoder::Index> indices_;
};

}  // namespace

void add_self_report(const SelfReport& report, const Delivery& delivery,
                     encoder::Dictionary& dictionary, encoder::Profile& profile) {
  Attributes attributes(dictionary, profile);
  attributes.add("otprof.agent.cpu_time", report.effort.background, "ns");
  attributes.add("otprof.agent.cpu_samples_time", report.effort.cpu_samples, "ns");
  attributes.add("otprof.agent.heap_samples_time", report.effort.heap_samples, "ns");
  attributes.add("otprof.agent.cost", report.cost_ppm, "ppm");
  attributes.add("otprof.process.cpu_time", report.effort.process, "ns");
  attributes.add_unless_zero("otprof.samples.slow", report.effort.samples_slow);
  attributes.add("otprof.agent.memory", report.memory_bytes, "By");
  attributes.add_unless_zero("otprof.windows.closed_early", report.windows_closed_early);
  attributes.add_unless_zero("otprof.lines.unread", report.lines_unread);
  attributes.add_unless_zero("otprof.lines.postponed", report.lines_postponed);
  attributes.add_unless_zero("otprof.encode.failed", delivery.counters().encode_failed);
  attributes.add_unless_zero("otprof.encode.oversized_samples",
                             delivery.counters().oversized_samples);
  attributes.add_unless_zero("otprof.encode.payloads_left_out",
                             delivery.counters().payloads_left_out);
  attributes.add_unless_zero("otprof.pprof.files_failed", delivery.counters().files_failed);
  if (delivery.outbox() == nullptr) {
    return;
  }
  const transport::Outbox::State state = delivery.outbox()->state();
  attributes.add("otprof.delivery.requests", state.made);
  attributes.add("otprof.delivery.delivered", state.sender.delivered);
  attributes.add("otprof.delivery.queued", state.queued);
  attributes.add_unless_zero("otprof.delivery.queued_bytes", state.queued_bytes, "By");
  attributes.add_unless_zero("otprof.delivery.retries", state.sender.retries);
  attributes.add_unless_zero("otprof.delivery.rejected_profiles", state.sender.rejected_profiles);
  attributes.add_unless_zero("otprof.delivery.dropped.refused", state.sender.dropped_refused);
  attributes.add_unless_zero("otprof.delivery.dropped.queue_full", state.sender.dropped_queue_full);
  attributes.add_unless_zero("otprof.delivery.dropped.too_large", state.sender.dropped_too_large);
  attributes.add_unless_zero("otprof.delivery.dropped.at_exit", state.sender.dropped_at_exit);
  attributes.add_unless_zero("otprof.delivery.dropped.spool_full", state.spool.dropped);
  if (!delivery.wants_pieces()) {
    return;
  }
  attributes.add("otprof.spool.requests", state.on_disk);
  attributes.add("otprof.spool.bytes", state.disk_bytes, "By");
  attributes.add_unless_zero("otprof.spool.recovered", state.spool.recovered);
  attributes.add_unless_zero("otprof.spool.passed_on", state.spool.passed_on);
  attributes.add_unless_zero("otprof.spool.torn", state.spool.torn);
  attributes.add_unless_zero("otprof.spool.set_aside", state.spool.set_aside);
  attributes.add_unless_zero("otprof.spool.failed", state.spool.failed);
}

}  // namespace otprof::agent
