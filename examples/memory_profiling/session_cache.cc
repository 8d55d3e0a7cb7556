// SPDX-License-Identifier: Apache-2.0
// A server's memory in small: requests allocate and free, sessions are remembered and, because of a
// mistake, not all of them are forgotten again. Knows nothing of any profiler.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace {

struct Session {
  std::string user;
  std::vector<char> state;
};

std::map<int, std::unique_ptr<Session>> sessions;

}  // namespace

// Much is allocated here, but all of it is freed again.
[[gnu::noinline]] std::size_t handle_request(int number) {
  std::string answer;
  for (int i = 0; i < 200; ++i) answer += "<li>item " + std::to_string(number + i) + "</li>";
  return answer.size();
}

// Little is allocated here, but it stays.
[[gnu::noinline]] void remember_session(int number) {
  sessions[number] =
      std::make_unique<Session>(Session{"user" + std::to_string(number), std::vector<char>(4000)});
}

// The mistake: sessions of odd numbers are never ended.
[[gnu::noinline]] void end_session(int number) {
  if (number % 2 == 0) sessions.erase(number);
}

int main(int argc, char** argv) {
  const int requests = argc > 1 ? std::atoi(argv[1]) : 20000;
  std::size_t bytes = 0;
  for (int number = 0; number < requests; ++number) {
    remember_session(number);
    bytes += handle_request(number);
    end_session(number);
  }
  std::printf("%zu bytes answered, %zu sessions open\n", bytes, sessions.size());
  // As a server that is stopped: nothing is cleaned up.
  std::fflush(stdout);
  std::quick_exit(0);
}
