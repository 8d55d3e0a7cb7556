// SPDX-License-Identifier: Apache-2.0
//
// Functions of a library of their own, so small that calling them is most of their cost.
#pragma once

extern "C" {
int small_one(int x);
int small_two(int x);
int small_three(int x);
int small_four(int x);
}
