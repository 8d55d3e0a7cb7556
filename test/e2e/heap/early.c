// SPDX-License-Identifier: Apache-2.0
// A library that makes another (victims/heap_early_library.c) allocate while the loader relocates this one:
// preloaded first, it is the last but for the program.
const char* early_text(void);
const char* (*early_pointer)(void) = early_text;
