// SPDX-License-Identifier: Apache-2.0
#include <signal.h>

#include <array>

#include "agent/cpu/engine.h"
#include "agent/cpu/thread_timers.h"
#include "interpose/hooks.h"

namespace otprof::cpu {

bool Engine::check(std::string& why_not) {
  if (!interpose::owns_signal(signal())) {
    stop();
    why_not = std::string("the program has installed its own ") +
              (signal() == SIGTRAP ? "SIGTRAP" : "SIGPROF") + " handler";
    return false;
  }
  delete_spent_timers();
  return true;
}

std::unique_ptr<Engine> start_engine(const EngineWish& wish, std::string& reasons) {
  struct Candidate {
    EngineChoice choice;
    std::unique_ptr<Engine> engine;
  };
  std::array<Candidate, 3> candidates = {
      Candidate{EngineChoice::kSigtrap, make_sigtrap_engine()},
      Candidate{EngineChoice::kPerf, make_perf_engine()},
      Candidate{EngineChoice::kTimer, make_timer_engine(wish.include_kernel)}};
  reasons.clear();
  for (auto& [choice, engine] : candidates) {
    // The timer is there for whatever the wanted one cannot do.
    const bool is_wanted = wish.choice == EngineChoice::kAuto || wish.choice == choice ||
                           choice == EngineChoice::kTimer;
    if (!is_wanted) {
      continue;
    }
    std::string why_not = "counts no kernel time";
    if ((choice == EngineChoice::kTimer || !wish.include_kernel) &&
        engine->start(wish.rate, why_not)) {
      return std::move(engine);
    }
    reasons += (reasons.empty() ? "" : "; ") + std::string(engine->name()) + ": " + why_not;
  }
  return nullptr;
}

}  // namespace otprof::cpu
