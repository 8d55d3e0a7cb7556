// SPDX-License-Identifier: Apache-2.0
#include <csignal>
#include <cstdio>

#include "tools/commands.h"
#include "tools/output_file.h"
#include "tools/profile_store.h"
#include "tools/receiver.h"

namespace otprof::tools {
namespace {

int run(const Arguments& arguments) {
  if (!arguments.operands.empty()) {
    throw UsageError("unexpected '" + arguments.operands.front() + "'");
  }
  const ListenAddress address =
      parse_listen_address(arguments.value("--listen").value_or("127.0.0.1:4318"));
  ProfileStore::Options options;
  options.keep = Recording::Keep::kThreads;
  options.directory = arguments.value("--store").value_or("");
  if (!options.directory.empty()) make_directory(options.directory);

  // Before any thread is started, so that each inherits the mask and only sigwait sees these.
  sigset_t ending;
  sigemptyset(&ending);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&ending, signal);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);

  ProfileStore store(options);
  Receiver receiver(address, store);
  receiver.start();
  if (!is_loopback(address.host)) {
    std::fprintf(stderr,
                 "otprof: warning: %s is not a loopback address: whoever can reach it can read and "
                 "add profiles; there is no password and no encryption\n",
                 address.host.c_str());
  }
  const std::string url = receiver.url();
  std::printf(
      "Receiving profiles; the page is at %s/\n"
      "To send some:  OTEL_EXPORTER_OTLP_ENDPOINT=%s LD_PRELOAD=libotprof.so COMMAND\n",
      url.c_str(), url.c_str());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&ending, &signal);
  receiver.stop();
  const ProfileStore::Counters counters = store.counters();
  std::printf("%llu requests taken, %llu refused\n",
              static_cast<unsigned long long>(counters.requests),
              static_cast<unsigned long long>(counters.refused));
  return 0;
}

}  // namespace

const Command kServeCommand{
    .name = "serve",
    .operands = {},
    .summary = "Receive OTLP profiles over HTTP and show them as a live flame graph.",
    .details =
        "What comes is added up in memory, at most 256 MiB of it: when there is more, the\n"
        "processes heard of least recently are forgotten.\n",
    .options =
        {
            {.name = "--listen",
             .value = "HOST:PORT",
             .help = "where to listen (127.0.0.1:4318); port 0: any"},
            {.name = "--store",
             .value = "DIR",
             .help = "also keep every request as a file, for otprof top, view and dump"},
        },
    .ends_at_operand = false,
    .run = run,
};

}  // namespace otprof::tools
