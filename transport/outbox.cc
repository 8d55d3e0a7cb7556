// SPDX-License-Identifier: Apache-2.0
#include "transport/outbox.h"

#include <algorithm>
#include <utility>

namespace otprof::transport {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

SenderConfig with_settled(SenderConfig config, void (*settled)(void*, Fate), void* context) {
  config.settled = settled;
  config.settled_context = context;
  return config;
}

}  // namespace

Outbox::Outbox(SenderConfig config, std::unique_ptr<Spool> spool)
    : spool_(std::move(spool)), sender_(with_settled(std::move(config), on_settled, this)) {}

void Outbox::on_settled(void* self, Fate fate) {
  auto& outbox = *static_cast<Outbox*>(self);
  outbox.is_fed_ = false;
  if (fate == Fate::kGivenUp) {
    outbox.spool_->give_back();
  } else {
    outbox.spool_->settle();
  }
}

void Outbox::journal(std::uint64_t start_ns, const Body& piece) {
  if (spool_ != nullptr) spool_->journal(start_ns, piece);
}

void Outbox::deliver(std::uint64_t start_ns, std::vector<Body> bodies) {
  made_ += bodies.size();
  if (spool_ != nullptr) {
    if (bodies.empty()) {
      spool_->drop_journal();
    } else if (spool_->store(start_ns, bodies)) {
      bodies.clear();
    }
    // Once per window is often enough to find what another process has left.
    spool_->scan();
  }
  for (Body& body : bodies) sender_.enqueue(std::move(body));
}

// The sender is given one body of the spool's at a time, when it has nothing else.
bool Outbox::feed() {
  if (spool_ == nullptr || sender_.queued() > 0) return false;
  auto body = spool_->take();
  if (!body) return false;
  is_fed_ = true;
  sender_.enqueue(std::move(*body));
  return true;
}

Clock::time_point Outbox::step() {
  feed();
  const auto next = sender_.step();
  // Through with one: there may be another, for which it has to wait as long as for any.
  return feed() ? Clock::now() : next;
}

void Outbox::finish(Clock::time_point deadline) {
  while (spool_ != nullptr && !sender_.is_failing() && Clock::now() < deadline) {
    const auto next = std::min(step(), deadline);
    if (sender_.queued() == 0) break;
    if (!in_flight()) continue;
    wait(std::max(milliseconds(0), std::chrono::ceil<milliseconds>(next - Clock::now())));
  }
  if (spool_ != nullptr) sender_.give_up_waiting();
  sender_.finish(deadline);
}

Outbox::State Outbox::state() const {
  State state;
  state.made = made_;
  state.sender = sender_.counters();
  const std::size_t fed = is_fed_ ? 1 : 0;
  state.queued = sender_.queued() - std::min(sender_.queued(), fed);
  state.queued_bytes = sender_.queued_bytes();
  if (spool_ != nullptr) {
    state.spool = spool_->counters();
    state.on_disk = spool_->bodies_left();
    state.disk_bytes = spool_->bytes();
  }
  return state;
}

}  // namespace otprof::transport
