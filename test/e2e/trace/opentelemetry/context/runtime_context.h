// SPDX-License-Identifier: Apache-2.0
//
// Stand-in (see README.md): contexts, the stack of them that each thread has, and the place where an
// application puts a storage of its own.
#pragma once

// NOLINTBEGIN(readability-identifier-naming, bugprone-unhandled-exception-at-new)

#include <utility>
#include <vector>

#include "test/e2e/trace/opentelemetry/nostd/memory.h"

namespace opentelemetry {
namespace context {

// Immutable; equal to its copies only.
class Context {
 public:
  Context() = default;
  explicit Context(nostd::shared_ptr<void> value)
      : head_(std::make_shared<nostd::shared_ptr<void>>(std::move(value))) {}
  nostd::shared_ptr<void> value() const { return head_ ? *head_ : nullptr; }
  bool operator==(const Context& other) const noexcept { return head_ == other.head_; }

 private:
  nostd::shared_ptr<nostd::shared_ptr<void>> head_;
};

class Token {
 public:
  ~Token();
  bool operator==(const Context& other) const noexcept { return context_ == other; }

 private:
  friend class RuntimeContextStorage;
  explicit Token(const Context& context) : context_(context) {}
  const Context context_;
};

class RuntimeContextStorage {
 public:
  virtual ~RuntimeContextStorage() = default;
  virtual Context GetCurrent() noexcept = 0;
  virtual nostd::unique_ptr<Token> Attach(const Context& context) noexcept = 0;
  virtual bool Detach(Token& token) noexcept = 0;

 protected:
  nostd::unique_ptr<Token> CreateToken(const Context& context) noexcept {
    return nostd::unique_ptr<Token>(new Token(context));
  }
};

class ThreadLocalContextStorage : public RuntimeContextStorage {
 public:
  Context GetCurrent() noexcept override { return stack().empty() ? Context() : stack().back(); }
  nostd::unique_ptr<Token> Attach(const Context& context) noexcept override {
    stack().push_back(context);
    return CreateToken(context);
  }
  bool Detach(Token& token) noexcept override {
    std::size_t size = stack().size();
    while (size > 0 && !(token == stack()[size - 1])) --size;
    if (size == 0) return false;
    stack().resize(size - 1);
    return true;
  }

 private:
  static std::vector<Context>& stack() {
    static thread_local std::vector<Context> contexts;
    return contexts;
  }
};

class RuntimeContext {
 public:
  static nostd::unique_ptr<Token> Attach(const Context& context) noexcept {
    return storage()->Attach(context);
  }
  static bool Detach(Token& token) noexcept { return storage()->Detach(token); }
  static Context GetCurrent() noexcept { return storage()->GetCurrent(); }
  static void SetRuntimeContextStorage(nostd::shared_ptr<RuntimeContextStorage> own) noexcept {
    storage() = std::move(own);
  }

 private:
  static nostd::shared_ptr<RuntimeContextStorage>& storage() {
    static nostd::shared_ptr<RuntimeContextStorage> set(new ThreadLocalContextStorage);
    return set;
  }
};

inline Token::~Token() { RuntimeContext::Detach(*this); }

}  // namespace context
}  // namespace opentelemetry
// NOLINTEND(readability-identifier-naming, bugprone-unhandled-exception-at-new)
