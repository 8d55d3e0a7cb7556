// SPDX-License-Identifier: Apache-2.0
#include "test/truth/cpu/small_functions.h"

extern "C" {
int small_one(int x) { return x + 1; }
int small_two(int x) { return x ^ 2; }
int small_three(int x) { return x * 3; }
int small_four(int x) { return x - 4; }
}
