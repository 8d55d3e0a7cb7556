// SPDX-License-Identifier: Apache-2.0
//
// Publishes the active span of opentelemetry-cpp to libotprof (and every other reader of OTEP 4947
// thread contexts), on every thread, with one call at the start of main(), before the first span:
//
//   otprof::publish_opentelemetry_spans();
//
// How: it puts a RuntimeContextStorage of its own around the SDK's. Whenever a Context is attached or
// detached (a trace::Scope does that), the span in it becomes the thread's context. An application
// that has a storage already passes it along. Costs one small allocation the first time that a thread
// is so many scopes deep, some 20 ns a scope afterwards. Labels (otprof.h) that are in force when a span
// begins go on inside of it.
//
// C++14, opentelemetry-cpp 1.x; only its API headers. Any thread, as the SDK's own functions.
#pragma once

#include <opentelemetry/context/runtime_context.h>
#include <opentelemetry/trace/context.h>
#include <otprof.h>

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace otprof {

class OpenTelemetryStorage final : public opentelemetry::context::RuntimeContextStorage {
 public:
  using Context = opentelemetry::context::Context;
  using Token = opentelemetry::context::Token;
  using Inner = opentelemetry::nostd::shared_ptr<opentelemetry::context::RuntimeContextStorage>;

  explicit OpenTelemetryStorage(Inner inner) noexcept : inner_(std::move(inner)) {}

  Context GetCurrent() noexcept override { return inner_->GetCurrent(); }

  opentelemetry::nostd::unique_ptr<Token> Attach(const Context& context) noexcept override {
    stack().push(context);
    return inner_->Attach(context);
  }

  bool Detach(Token& token) noexcept override {
    stack().pop(token);
    return inner_->Detach(token);
  }

 private:
  struct Entry {
    Context attached;
    otprof_context context;
    void* before = nullptr;
  };

  // What this thread has attached and not detached yet; entries beyond `size_` wait to be used again.
  // An entry stays where it is as long as the thread lives.
  class Stack {
   public:
    Stack() = default;
    Stack(const Stack&) = delete;
    Stack& operator=(const Stack&) = delete;
    ~Stack() {
      while (size_ > 0) drop();
    }

    void push(const Context& context) {
      if (size_ == entries_.size()) {
        entries_.emplace_back(new Entry);
      }
      Entry& entry = *entries_[size_++];
      entry.attached = context;
      const auto span = opentelemetry::trace::GetSpan(context)->GetContext();
      otprof_context_init_from_current(&entry.context);
      if (span.IsValid()) {
        otprof_context_set_span(&entry.context, span.trace_id().Id().data(),
                                span.span_id().Id().data(), span.trace_flags().flags());
      } else {  // not that of the context below: this one has been attached to be without
        const uint8_t none[16] = {};
        otprof_context_set_span(&entry.context, none, none, 0);
      }
      entry.before = otprof_attach(&entry.context);
    }

    // The topmost entry of that token, and all above it; nothing if there is none.
    void pop(const Token& token) {
      std::size_t at = size_;
      while (at > 0 && !(token == entries_[at - 1]->attached)) --at;
      while (at > 0 && size_ >= at) drop();
    }

   private:
    void drop() {
      Entry& entry = *entries_[--size_];
      otprof_detach(entry.before);
      entry.attached = Context();
    }

    std::vector<std::unique_ptr<Entry>> entries_;
    std::size_t size_ = 0;
  };

  static Stack& stack() {
    static thread_local Stack of_thread;
    return of_thread;
  }

  Inner inner_;
};

// `inner`: the storage that is to do the work; none: the SDK's thread-local one.
inline void publish_opentelemetry_spans(OpenTelemetryStorage::Inner inner = {}) {
  using opentelemetry::context::RuntimeContext;
  using opentelemetry::context::RuntimeContextStorage;
  if (!inner) {
    inner = OpenTelemetryStorage::Inner(new opentelemetry::context::ThreadLocalContextStorage);
  }
  RuntimeContext::SetRuntimeContextStorage(opentelemetry::nostd::shared_ptr<RuntimeContextStorage>(
      new OpenTelemetryStorage(std::move(inner))));
}

}  // namespace otprof
