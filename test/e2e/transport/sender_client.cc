// SPDX-License-Identifier: Apache-2.0
//
// What the agent's background thread does with an OtlpSender, as a program: takes its settings as
// NAME=VALUE arguments, hands over some bodies, drives the sender until nothing is left or the time
// is up, and prints what happened as one line of JSON.
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "test/e2e/transport/host_functions.h"
#include "transport/endpoint.h"
#include "transport/otlp_sender.h"

namespace {

using Clock = std::chrono::steady_clock;
using otprof::transport::Body;
using otprof::transport::OtlpSender;
using otprof::transport::SenderConfig;
using std::chrono::milliseconds;

struct Options {
  SenderConfig sender;
  std::size_t bodies = 1;
  std::size_t size = 1000;
  milliseconds run_for{10000};
  std::size_t attempts = SIZE_MAX;  // ends after so many, if not before
  milliseconds between{0};          // two bodies
  milliseconds finish{-1};          // < 0: finish() is not called
  std::size_t gzip = 0;             // 1: the bodies are said to be gzip
  std::size_t echo = 0;             // 1: warnings go to stderr as they come
};

[[noreturn]] void usage(std::string_view argument) {
  fprintf(stderr, "sender_client: bad argument '%.*s'\n", static_cast<int>(argument.size()),
          argument.data());
  exit(2);
}

template <typename Member>
struct Option {
  const char* name;
  Member member;
};

constexpr Option<std::string SenderConfig::*> kTexts[] = {
    {"url", &SenderConfig::url},
    {"ca", &SenderConfig::ca_file},
    {"cert", &SenderConfig::client_certificate_file},
    {"key", &SenderConfig::client_key_file},
    {"proxy", &SenderConfig::proxy},
    {"no_proxy", &SenderConfig::no_proxy},
};
constexpr Option<milliseconds SenderConfig::*> kSenderTimes[] = {
    {"timeout", &SenderConfig::timeout},
    {"first_backoff", &SenderConfig::first_backoff},
    {"max_backoff", &SenderConfig::max_backoff},
};
constexpr Option<std::size_t SenderConfig::*> kSenderSizes[] = {
    {"queue_windows", &SenderConfig::queue_windows},
    {"queue_bytes", &SenderConfig::queue_bytes},
    {"max_body_bytes", &SenderConfig::max_body_bytes},
};
constexpr Option<milliseconds Options::*> kTimes[] = {
    {"run_for", &Options::run_for},
    {"between", &Options::between},
    {"finish", &Options::finish},
};
constexpr Option<std::size_t Options::*> kSizes[] = {
    {"bodies", &Options::bodies}, {"size", &Options::size}, {"attempts", &Options::attempts},
    {"gzip", &Options::gzip},     {"echo", &Options::echo},
};

template <typename Target, typename Table, typename Value>
bool set_if_found(Target& target, const Table& table, const std::string& name, Value value) {
  for (const auto& option : table) {
    if (name != option.name) continue;
    target.*option.member = value;
    return true;
  }
  return false;
}

void set_option(Options& options, const std::string& name, const std::string& value) {
  SenderConfig& sender = options.sender;
  if (name == "headers") {
    std::string error;
    if (!otprof::transport::parse_headers(value, sender.headers, error)) usage(error);
    return;
  }
  const long number = strtol(value.c_str(), nullptr, 10);
  const auto size = static_cast<std::size_t>(number);
  if (!set_if_found(sender, kTexts, name, value) &&
      !set_if_found(sender, kSenderTimes, name, milliseconds(number)) &&
      !set_if_found(sender, kSenderSizes, name, size) &&
      !set_if_found(options, kTimes, name, milliseconds(number)) &&
      !set_if_found(options, kSizes, name, size)) {
    usage(name);
  }
}

// Pseudo-random bytes, different for each index, the same in each run.
Body make_body(const Options& options, std::size_t index) {
  Body body;
  body.gzip = options.gzip != 0;
  body.bytes.resize(options.size);
  auto state = static_cast<std::uint32_t>(index) * 2654435761U + 1;
  for (char& c : body.bytes) {
    state = state * 1664525U + 1013904223U;
    c = static_cast<char>(state >> 24);
  }
  return body;
}

double cpu_ms() {
  rusage usage_now{};
  getrusage(RUSAGE_THREAD, &usage_now);
  const auto ms = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_usec) / 1e3;
  };
  return ms(usage_now.ru_utime) + ms(usage_now.ru_stime);
}

// Of this program alone; getrusage() begins with what the parent had when it forked.
std::uint64_t max_rss_kb() {
  char line[256];
  unsigned long result = 0;
  FILE* status = fopen("/proc/self/status", "r");
  while (fgets(line, sizeof line, status) != nullptr) {
    if (strncmp(line, "VmHWM:", 6) == 0) result = strtoul(line + 6, nullptr, 10);
  }
  fclose(status);
  return result;
}

// Of signals that are blocked, as all are: what a host without us would have been sent.
std::uint64_t pending_signals() {
  sigset_t pending;
  sigpending(&pending);
  std::uint64_t count = 0;
  for (int number = 1; number < NSIG; ++number) count += sigismember(&pending, number) == 1 ? 1 : 0;
  return count;
}

std::uint64_t count_threads() {
  std::uint64_t count = 0;
  DIR* tasks = opendir("/proc/self/task");
  while (const dirent* task = readdir(tasks)) count += task->d_name[0] != '.' ? 1 : 0;
  closedir(tasks);
  return count;
}

void sleep_until(Clock::time_point when) {
  const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(when - Clock::now());
  if (left.count() <= 0) return;
  const timespec pause{static_cast<time_t>(left.count() / 1000000000),
                       static_cast<long>(left.count() % 1000000000)};
  nanosleep(&pause, nullptr);
}

std::string json_string(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    char hex[8];
    if (static_cast<unsigned char>(c) >= ' ') {
      result += c;
    } else {
      snprintf(hex, sizeof hex, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      result += hex;
    }
  }
  return result + '"';
}

struct Run {
  bool echo = false;
  std::vector<std::string> warnings;
  unsigned steps = 0;
};

// Hands a body over each `between`, and returns when all are settled or there is no more time or
// attempt left.
void drive(OtlpSender& sender, const Options& options, Run& run) {
  const auto end = Clock::now() + options.run_for;
  auto next_body = Clock::now();
  std::size_t handed_over = 0;
  for (;;) {
    const auto now = Clock::now();
    while (handed_over < options.bodies && now >= next_body) {
      sender.enqueue(make_body(options, handed_over++));
      next_body += options.between;
    }
    if (now >= end) return;
    auto wake = std::min(sender.step(), end);
    ++run.steps;
    if (handed_over == options.bodies && sender.queued() == 0) return;
    if (sender.counters().attempts >= options.attempts && !sender.in_flight()) return;
    if (handed_over < options.bodies) wake = std::min(wake, next_body);
    if (sender.in_flight()) {
      const auto pause = std::chrono::ceil<milliseconds>(wake - Clock::now());
      sender.wait(std::max(milliseconds(0), pause));
    } else {
      sleep_until(wake);
    }
  }
}

void report(const OtlpSender& sender, const Run& run, double cpu, double wall) {
  const auto& c = sender.counters();
  std::string json = "{";
  const auto number = [&json](const char* name, std::uint64_t value) {
    json += std::string("\"") + name + "\":" + std::to_string(value) + ",";
  };
  number("enqueued", c.enqueued);
  number("delivered", c.delivered);
  number("rejected_profiles", c.rejected_profiles);
  number("attempts", c.attempts);
  number("retries", c.retries);
  number("dropped_queue_full", c.dropped_queue_full);
  number("dropped_too_large", c.dropped_too_large);
  number("dropped_refused", c.dropped_refused);
  number("dropped_at_exit", c.dropped_at_exit);
  number("bytes_sent", c.bytes_sent);
  number("queued", sender.queued());
  number("queued_bytes", sender.queued_bytes());
  number("steps", run.steps);
  number("signal_changes", host_calls.signal_changes);
  number("exit_handlers", host_calls.exit_handlers);
  number("pending_signals", pending_signals());
  number("threads", count_threads());
  number("max_rss_kb", max_rss_kb());
  json += "\"cpu_ms\":" + std::to_string(cpu) + ",\"wall_ms\":" + std::to_string(wall);
  json += ",\"environment_reads\":" + json_string(host_calls.environment_reads) + ",\"warnings\":[";
  for (std::size_t i = 0; i < run.warnings.size(); ++i) {
    json += (i == 0 ? "" : ",") + json_string(run.warnings[i]);
  }
  puts((json + "]}").c_str());
}

}  // namespace

int main(int argc, char** argv) {
  // As on the agent's thread; a write to a closed TLS connection would end this program otherwise.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);

  Options options;
  Run run;
  options.sender.user_agent = "libotprof/1.2.3 OTel-OTLP-Exporter-Cpp/1.2.3";
  options.sender.warn_context = &run;
  options.sender.warn = [](void* context, std::string_view message) {
    auto& run_now = *static_cast<Run*>(context);
    run_now.warnings.emplace_back(message);
    if (run_now.echo) fprintf(stderr, "%s\n", run_now.warnings.back().c_str());
  };
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto equals = argument.find('=');
    if (equals == std::string::npos) usage(argument);
    set_option(options, argument.substr(0, equals), argument.substr(equals + 1));
  }

  run.echo = options.echo != 0;

  const double cpu_start = cpu_ms();
  const auto start = Clock::now();
  OtlpSender sender(options.sender);
  host_calls.watching = true;
  drive(sender, options, run);
  if (options.finish.count() >= 0) sender.finish(Clock::now() + options.finish);
  host_calls.watching = false;
  const std::chrono::duration<double, std::milli> wall = Clock::now() - start;
  report(sender, run, cpu_ms() - cpu_start, wall.count());
}
