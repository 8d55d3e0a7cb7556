// SPDX-License-Identifier: Apache-2.0
#include "agent/cpu/engine.h"

namespace otprof::cpu {

std::unique_ptr<Engine> start_engine(EngineChoice choice, bool include_kernel,
                                     std::uint64_t period_ns, std::string& reasons) {
  std::string why_not;
  if (choice != EngineChoice::kTimer) {
    if (include_kernel) {
      reasons = "sigtrap: counts no kernel time";
    } else {
      std::unique_ptr<Engine> engine = make_sigtrap_engine();
      if (engine->start(period_ns, why_not)) {
        return engine;
      }
      reasons = "sigtrap: " + why_not;
    }
    if (choice == EngineChoice::kSigtrap) {
      return nullptr;
    }
    reasons += "; ";
  }
  std::unique_ptr<Engine> engine = make_timer_engine(include_kernel);
  if (engine->start(period_ns, why_not)) {
    return engine;
  }
  reasons += "timer: " + why_not;
  return nullptr;
}

}  // namespace otprof::cpu
