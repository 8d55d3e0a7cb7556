// SPDX-License-Identifier: Apache-2.0
#include "interpose/hooks.h"

#include "interpose/next.h"

namespace otprof::interpose {
namespace {

Hooks current;

}  // namespace

void set_hooks(const Hooks& hooks) noexcept { current = hooks; }
const Hooks& hooks() noexcept { return current; }

}  // namespace otprof::interpose
