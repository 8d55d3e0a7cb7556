// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <unistd.h>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tools/child_process.h"
#include "tools/commands.h"
#include "tools/flame_html.h"
#include "tools/frames.h"
#include "tools/gzip.h"
#include "tools/input_error.h"
#include "tools/output_file.h"
#include "tools/pprof_file.h"
#include "tools/profile_store.h"
#include "tools/program_check.h"
#include "tools/progress.h"
#include "tools/receiver.h"
#include "tools/run_environment.h"
#include "tools/text.h"
#include "tools/top_table.h"

namespace otprof::tools {
namespace {

// What env(1) and timeout(1) answer for themselves, so that scripts can tell it from the command's.
constexpr int kOwnFailure = 125;
constexpr int kCannotRun = 126;
constexpr int kNotFound = 127;

constexpr int kProgressMs = 1000;

// otprof-out-NAME, or the first of otprof-out-NAME-2, -3 ... that is not there yet.
std::string make_new_directory(const std::string& program) {
  const std::string base = "otprof-out-" + std::string(base_name(program));
  for (int number = 1;; ++number) {
    const std::string path = number == 1 ? base : base + "-" + std::to_string(number);
    if (mkdir(path.c_str(), 0777) == 0) return path;
    if (errno != EEXIST) throw OutputError(path + ": " + std::strerror(errno));
  }
}

void explain_nothing(const std::string& program) {
  std::string why = "it may have used too little CPU time, or not have let the library start";
  const ProgramFacts facts = check_program(program);
  if (!facts.obstacle.empty()) why = printable(facts.path) + ": " + facts.obstacle;
  for (const char* variable : {"OTEL_SDK_DISABLED", "OTPROF_ENABLED", "OTPROF_ONLY"}) {
    const char* value = std::getenv(variable);
    if (value == nullptr) continue;
    const bool disables = std::strcmp(variable, "OTEL_SDK_DISABLED") == 0
                              ? strcasecmp(value, "true") == 0
                              : strcasecmp(value, "false") == 0 ||
                                    (std::strcmp(variable, "OTPROF_ONLY") == 0 && *value != '\0');
    if (disables) why = std::string(variable) + " is set to " + printable(value);
  }
  std::fprintf(stderr, "otprof: no profile was received: %s\n", why.c_str());
}

void report(const std::string& directory, const std::string& program, ProfileStore& store,
            bool quiet) {
  store.with_recording([&](Recording& recording) {
    std::string files;
    std::string text;
    for (const MergedProfile& profile : recording.profiles()) {
      if (profile.rows.size() == 0) continue;
      const std::string name = profile.kind + ".pb.gz";
      write_file(directory + "/" + name, gzip(pprof_file(recording, profile)));
      files += (files.empty() ? "" : ", ") + name;
      const std::string summary =
          "otprof: " + printable(profile.kind) + ": " + summary_line(recording, profile) + "\n";
      if (!text.empty()) {
        text += summary;
        continue;
      }
      text = summary +
             top_table(recording, profile,
                       {.functions = 10, .width = terminal_width(STDERR_FILENO), .type = {}}) +
             "\n";
    }
    if (files.empty()) {
      rmdir(directory.c_str());
      return explain_nothing(program);
    }
    write_file(directory + "/flame.html", flame_html(recording, std::string(base_name(program))));
    if (quiet) return;
    std::fprintf(stderr, "%sotprof: wrote %s, flame.html in %s\n", text.c_str(), files.c_str(),
                 directory.c_str());
  });
}

int start_failed(const std::string& program, int error) {
  std::fprintf(stderr, "otprof: %s: %s\n", printable(program).c_str(), std::strerror(error));
  return error == ENOENT ? kNotFound : kCannotRun;
}

int run_command(const Arguments& arguments) {
  const std::string& program = arguments.operands.front();
  RunSettings settings;
  if (arguments.has("--hz")) settings.hz = std::to_string(arguments.number("--hz", 100, 1, 10000));
  settings.heap = !arguments.has("--no-heap");
  settings.library = find_library();

  const SignalState signals;
  std::string directory = arguments.value("--out").value_or("");
  if (directory.empty()) {
    directory = make_new_directory(program);
  } else {
    make_directory(directory);
  }
  ProfileStore::Options options;
  if (arguments.has("--keep-otlp")) {
    options.directory = directory + "/otlp";
    make_directory(options.directory);
  }
  options.memory_limit = std::size_t{1} << 30U;
  ProfileStore store(options);
  Receiver receiver({.host = "127.0.0.1", .port = 0}, store);
  settings.url = receiver.url();

  // Before the receiver's threads are started: the child is made by fork().
  ChildProcess child(signals);
  const ChildResult started =
      child.start(arguments.operands, run_environment(own_environment(), settings));
  if (!started.started) {
    rmdir(options.directory.c_str());
    rmdir(directory.c_str());
    return start_failed(program, started.error);
  }
  receiver.start();
  Progress progress(!arguments.has("--quiet"));
  const ChildResult ended = child.wait(kProgressMs, [&] { progress.show(store); });
  progress.clear();
  receiver.stop();
  try {
    report(directory, program, store, arguments.has("--quiet"));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "otprof: %s\n", error.what());
  }
  std::fflush(nullptr);
  exit_like(ended.status);
}

int run(const Arguments& arguments) {
  if (arguments.operands.empty()) throw UsageError("no command given");
  try {
    return run_command(arguments);
  } catch (const UsageError&) {
    throw;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "otprof: %s\n", error.what());
    return kOwnFailure;
  }
}

}  // namespace

const Command kRunCommand{
    .name = "run",
    .operands = "[--] COMMAND [ARGUMENTS]",
    .summary = "Run a command, profile it and all its children, and show what took the time.",
    .details =
        "The command has the terminal as if otprof were not there, and its exit status is passed "
        "on\n"
        "(125: otprof itself failed, 126 and 127: the command could not be started). What took "
        "the\n"
        "time is printed on standard error; the directory then holds flame.html to look at, and\n"
        "cpu.pb.gz and heap.pb.gz for `otprof top` and other readers of pprof files. All OTPROF_*\n"
        "variables work as usual.\n",
    .options =
        {
            {.name = "--out",
             .value = "DIR",
             .help = "where results go (otprof-out-COMMAND, -2, -3 ...)",
             .letter = "-o"},
            {.name = "--hz", .value = "N", .help = "samples per second of CPU time (100)"},
            {.name = "--no-heap", .value = {}, .help = "leave allocations alone"},
            {.name = "--keep-otlp",
             .value = {},
             .help = "also keep what was received, in DIR/otlp"},
            {.name = "--quiet",
             .value = {},
             .help = "print nothing unless something goes wrong",
             .letter = "-q"},
        },
    .ends_at_operand = true,
    .run = run,
};

}  // namespace otprof::tools
