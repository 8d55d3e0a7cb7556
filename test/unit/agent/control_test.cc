// SPDX-License-Identifier: Apache-2.0
// Requests from any thread to one that serves them, in every order of coming, going and giving up.
#include "agent/control.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

namespace {

using otprof::agent::ControlAction;
using otprof::agent::ControlQueue;
using otprof::agent::ControlRequest;

// Serves until it is told to stop; what it answers is the request's value.
class Server {
 public:
  explicit Server(ControlQueue& queue) : queue_(queue) {
    queue_.open(&wake_word_);
    thread_ = std::thread([this] {
      while (!is_over_) {
        queue_.serve([](ControlRequest& request) -> std::optional<int> {
          return static_cast<int>(request.value);
        });
        std::this_thread::yield();
      }
      queue_.close();
    });
  }
  ~Server() {
    is_over_ = true;
    thread_.join();
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

 private:
  ControlQueue& queue_;
  std::uint32_t wake_word_ = 0;
  std::atomic<bool> is_over_{false};
  std::thread thread_;
};

}  // namespace

TEST_CASE("a queue that nobody serves says so") {
  const auto queue = std::make_unique<ControlQueue>();
  CHECK(queue->call(ControlAction::kStart, 0, nullptr, 1000) == OTPROF_NOT_RUNNING);
  CHECK(queue->call(ControlAction::kStart, 0, nullptr, -1) == OTPROF_BAD_ARGUMENT);
  CHECK(queue->call(ControlAction::kStart, 0, nullptr, 60001) == OTPROF_BAD_ARGUMENT);
}

TEST_CASE("an answer reaches the one who asked, from many threads at once") {
  const auto queue = std::make_unique<ControlQueue>();
  const Server server(*queue);
  std::atomic<int> wrong{0};
  constexpr int kThreads = 8;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 500; ++i) {
        const int number = thread * 1000 + i;
        const int got =
            queue->call(ControlAction::kFlush, static_cast<std::uint64_t>(number), "path", 60000);
        wrong += got == number ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(wrong == 0);
}

TEST_CASE("who does not wait leaves a place behind that is used again") {
  const auto queue = std::make_unique<ControlQueue>();
  std::uint32_t wake_word = 0;
  queue->open(&wake_word);
  for (int i = 0; i < 16; ++i) {
    CHECK(queue->call(ControlAction::kStop, 7, nullptr, 0) == OTPROF_OK);
  }
  CHECK(wake_word == 16);
  CHECK(queue->call(ControlAction::kStop, 7, nullptr, 0) == OTPROF_BUSY);
  int served = 0;
  queue->serve([&](const ControlRequest& request) -> std::optional<int> {
    CHECK(!request.is_watched);
    ++served;
    return 7;
  });
  CHECK(served == 16);
  CHECK(queue->call(ControlAction::kStop, 7, nullptr, 0) == OTPROF_OK);
}

TEST_CASE("who gives up in time is told, and the request is still served") {
  const auto queue = std::make_unique<ControlQueue>();
  std::uint32_t wake_word = 0;
  queue->open(&wake_word);
  CHECK(queue->call(ControlAction::kStop, 1, nullptr, 20) == OTPROF_TIMED_OUT);
  int served = 0;
  const auto answer = [&](ControlRequest& request) -> std::optional<int> {
    ++served;
    if (!request.has_begun) {
      request.has_begun = true;
      return std::nullopt;
    }
    return OTPROF_OK;
  };
  CHECK(queue->serve(answer));
  CHECK(!queue->serve(answer));
  CHECK(!queue->serve(answer));
  CHECK(served == 2);
}

TEST_CASE("who waits when the serving ends is sent away") {
  const auto queue = std::make_unique<ControlQueue>();
  std::uint32_t wake_word = 0;
  queue->open(&wake_word);
  int got = 1;
  std::thread waiting([&] { got = queue->call(ControlAction::kFlush, 1, nullptr, 60000); });
  while (std::atomic_ref<std::uint32_t>(wake_word).load() == 0) {
    std::this_thread::yield();
  }
  queue->close();
  waiting.join();
  CHECK(got == OTPROF_NOT_RUNNING);
  CHECK(queue->call(ControlAction::kFlush, 1, nullptr, 0) == OTPROF_NOT_RUNNING);
}

TEST_CASE("a queue that begins anew has all its places, whatever was in them") {
  const auto queue = std::make_unique<ControlQueue>();
  std::uint32_t wake_word = 0;
  queue->open(&wake_word);
  for (int i = 0; i < 16; ++i) {
    queue->call(ControlAction::kStop, 7, nullptr, 0);
  }
  queue->reset();
  CHECK(queue->call(ControlAction::kStop, 7, nullptr, 0) == OTPROF_NOT_RUNNING);
  queue->open(&wake_word);
  CHECK(queue->call(ControlAction::kStop, 7, nullptr, 0) == OTPROF_OK);
  CHECK(!queue->serve([](const ControlRequest&) -> std::optional<int> { return 0; }));
}
