// SPDX-License-Identifier: Apache-2.0
//
// What the agent's background thread does with an OtlpSender, as a program: takes its settings as
// NAME=VALUE arguments, hands over some bodies, drives the sender until nothing is left or the time
// is up, and prints what happened as one line of JSON.
//
// It also stands in for the host's libc where a host may: calls of getenv, of functions that change
// signal handling, and of atexit registration are counted while the sender runs.
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "transport/endpoint.h"
#include "transport/otlp_sender.h"

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using otprof::transport::Body;
using otprof::transport::OtlpSender;
using otprof::transport::SenderConfig;

bool watching = false;
std::string environment_reads;  // names, space-separated
unsigned signal_changes = 0;
unsigned exit_handlers = 0;

struct Options {
  SenderConfig sender;
  unsigned bodies = 1;
  std::size_t size = 1000;
  milliseconds run_for{10000};
  milliseconds between{0};   // pause between two bodies
  milliseconds finish{-1};   // < 0: finish() is not called
  bool gzip = false;
  bool echo = false;         // warnings go to stderr as they come
};

[[noreturn]] void usage(std::string_view argument) {
  fprintf(stderr, "sender_client: bad argument '%.*s'\n", static_cast<int>(argument.size()),
          argument.data());
  exit(2);
}

milliseconds to_ms(const std::string& text) { return milliseconds(atol(text.c_str())); }

void set_option(Options& o, const std::string& name, const std::string& value) {
  SenderConfig& s = o.sender;
  std::string error;
  if (name == "url") s.url = value;
  else if (name == "headers" && !otprof::transport::parse_headers(value, s.headers, error)) usage(error);
  else if (name == "headers") return;
  else if (name == "ca") s.ca_file = value;
  else if (name == "cert") s.client_certificate_file = value;
  else if (name == "key") s.client_key_file = value;
  else if (name == "proxy") s.proxy = value;
  else if (name == "no_proxy") s.no_proxy = value;
  else if (name == "timeout") s.timeout = to_ms(value);
  else if (name == "first_backoff") s.first_backoff = to_ms(value);
  else if (name == "max_backoff") s.max_backoff = to_ms(value);
  else if (name == "queue_windows") s.queue_windows = strtoul(value.c_str(), nullptr, 10);
  else if (name == "queue_bytes") s.queue_bytes = strtoul(value.c_str(), nullptr, 10);
  else if (name == "max_body_bytes") s.max_body_bytes = strtoul(value.c_str(), nullptr, 10);
  else if (name == "bodies") o.bodies = static_cast<unsigned>(atoi(value.c_str()));
  else if (name == "size") o.size = strtoul(value.c_str(), nullptr, 10);
  else if (name == "run_for") o.run_for = to_ms(value);
  else if (name == "between") o.between = to_ms(value);
  else if (name == "finish") o.finish = to_ms(value);
  else if (name == "gzip") o.gzip = value == "1";
  else if (name == "echo") o.echo = value == "1";
  else usage(name);
}

// Pseudo-random bytes, different for each index, the same in each run.
Body make_body(const Options& options, unsigned index) {
  Body body;
  body.gzip = options.gzip;
  body.bytes.resize(options.size);
  std::uint32_t state = index * 2654435761U + 1;
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

std::uint64_t max_rss_kb() {
  rusage usage_now{};
  getrusage(RUSAGE_SELF, &usage_now);
  return static_cast<std::uint64_t>(usage_now.ru_maxrss);
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

// Hands a body over each `between`, and returns when all are settled or `run_for` is over.
void drive(OtlpSender& sender, const Options& options, Run& run) {
  const auto end = Clock::now() + options.run_for;
  auto next_body = Clock::now();
  unsigned handed_over = 0;
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
  number("signal_changes", signal_changes);
  number("exit_handlers", exit_handlers);
  number("threads", count_threads());
  number("max_rss_kb", max_rss_kb());
  json += "\"cpu_ms\":" + std::to_string(cpu) + ",\"wall_ms\":" + std::to_string(wall);
  json += ",\"environment_reads\":" + json_string(environment_reads) + ",\"warnings\":[";
  for (std::size_t i = 0; i < run.warnings.size(); ++i) {
    json += (i == 0 ? "" : ",") + json_string(run.warnings[i]);
  }
  puts((json + "]}").c_str());
}

// The next definition of a libc function that this program stands in front of.
template <typename Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

char* getenv(const char* name) noexcept {
  static const auto real = next<char* (*)(const char*)>("getenv");
  if (watching) environment_reads += std::string(name) + " ";
  return real(name);
}

char* secure_getenv(const char* name) noexcept {
  static const auto real = next<char* (*)(const char*)>("secure_getenv");
  if (watching) environment_reads += std::string(name) + " ";
  return real(name);
}

int sigaction(int number, const struct sigaction* action, struct sigaction* old) noexcept {
  static const auto real =
      next<int (*)(int, const struct sigaction*, struct sigaction*)>("sigaction");
  if (watching && action != nullptr) ++signal_changes;
  return real(number, action, old);
}

sighandler_t signal(int number, sighandler_t handler) noexcept {
  static const auto real = next<sighandler_t (*)(int, sighandler_t)>("signal");
  if (watching) ++signal_changes;
  return real(number, handler);
}

int __cxa_atexit(void (*function)(void*), void* argument, void* dso) noexcept {
  static const auto real =
      next<int (*)(void (*)(void*), void*, void*)>("__cxa_atexit");
  if (watching) ++exit_handlers;
  return real(function, argument, dso);
}

}  // extern "C"

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

  run.echo = options.echo;

  const double cpu_start = cpu_ms();
  const auto start = Clock::now();
  OtlpSender sender(options.sender);
  watching = true;
  drive(sender, options, run);
  if (options.finish.count() >= 0) sender.finish(Clock::now() + options.finish);
  watching = false;
  const std::chrono::duration<double, std::milli> wall = Clock::now() - start;
  report(sender, run, cpu_ms() - cpu_start, wall.count());
}
