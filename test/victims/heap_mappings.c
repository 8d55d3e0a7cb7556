// SPDX-License-Identifier: Apache-2.0
// mmap, munmap and mremap with usual, odd and impossible arguments, by every name they have: results,
// errno and what the memory holds; in a signal handler, in children, on a small stack, by several threads.
#define _GNU_SOURCE
#include <limits.h>
#include <stdint.h>
#include <sys/mman.h>

#include "test/victims/victim.h"

enum { PAGE = 4096, USABLE = PROT_READ | PROT_WRITE, ANONYMOUS = MAP_PRIVATE | MAP_ANONYMOUS };

static void show(const char* what, void* result) {
  const int error = errno;
  printf("%s: %s, errno %d\n", what, result == MAP_FAILED ? "fails" : "maps", error);
  errno = 1000;
}

static void show_status(const char* what, int result) {
  const int error = errno;
  printf("%s: %d, errno %d\n", what, result, error);
  errno = 1000;
}

static char* map(size_t pages) {
  char* block = mmap(NULL, pages * PAGE, USABLE, ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) {
    perror("mmap");
    exit(1);
  }
  for (size_t i = 0; i < pages; ++i) {
    block[i * PAGE] = (char)(i + 1);
  }
  return block;
}

static void show_pages(const char* what, const char* block, size_t pages) {
  printf("%s:", what);
  for (size_t i = 0; i < pages; ++i) {
    printf(" %d", block[i * PAGE]);
  }
  printf("\n");
}

static void use_family(void) {
  errno = 1000;
  show("nothing", mmap(NULL, 0, USABLE, ANONYMOUS, -1, 0));
  show("most", mmap(NULL, SIZE_MAX / 2, USABLE, ANONYMOUS, -1, 0));
  show("neither private nor shared", mmap(NULL, PAGE, USABLE, MAP_ANONYMOUS, -1, 0));
  show("no file", mmap(NULL, PAGE, USABLE, MAP_PRIVATE, -1, 0));
  show("odd offset", mmap(NULL, PAGE, USABLE, ANONYMOUS, -1, 17));
  show("odd address", mmap((void*)12345, PAGE, USABLE, ANONYMOUS | MAP_FIXED, -1, 0));
  show("a hint", mmap((void*)12345, PAGE, USABLE, ANONYMOUS, -1, 0));
  show("reserved", mmap(NULL, (size_t)1 << 40, PROT_NONE, ANONYMOUS | MAP_NORESERVE, -1, 0));
  show("shared", mmap(NULL, 3 * PAGE, USABLE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  show("mmap64", mmap64(NULL, 3 * PAGE, USABLE, ANONYMOUS, -1, 0));
  char* block = map(8);
  show("not over", mmap(block, PAGE, USABLE, ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
  show("over", mmap(block + 2 * PAGE, PAGE, USABLE, ANONYMOUS | MAP_FIXED, -1, 0));
  show_pages("after over", block, 8);
  show_status("munmap of an odd address", munmap(block + 1, PAGE));
  show_status("munmap of nothing", munmap(block, 0));
  show_status("munmap of most", munmap(block, SIZE_MAX));
  show_status("munmap of the middle", munmap(block + 4 * PAGE, 2 * PAGE));
  show_pages("head", block, 4);
  show_pages("tail", block + 6 * PAGE, 2);
  show_status("munmap of the head", munmap(block, 4 * PAGE));
  show_status("munmap of the tail", munmap(block + 6 * PAGE, 2 * PAGE));

  block = map(8);
  show("mremap to nothing", mremap(block, 8 * PAGE, 0, MREMAP_MAYMOVE));
  show("mremap to most", mremap(block, 8 * PAGE, SIZE_MAX / 2, MREMAP_MAYMOVE));
  show("mremap of an odd address", mremap(block + 1, PAGE, PAGE, 0));
  show("mremap with odd flags", mremap(block, 8 * PAGE, PAGE, 64));
  show("mremap to a place, not to be moved", mremap(block, PAGE, PAGE, MREMAP_FIXED, block));
  printf("shrinks in place: %d\n", mremap(block, 8 * PAGE, 6 * PAGE, 0) == block);
  block = mremap(block, 6 * PAGE, 600 * PAGE, MREMAP_MAYMOVE);
  show_pages("grown", block, 7);
  char* target = map(700);
  printf("moves to a place: %d\n",
         mremap(block, 600 * PAGE, 600 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target + PAGE) ==
             target + PAGE);
  show_pages("moved", target, 8);
  char* left = mremap(target + PAGE, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
  show("moves, and leaves the old place mapped", left);
  if (left != MAP_FAILED) {
    show_pages("old place", target + PAGE, 4);
    show_pages("new place", left, 4);
  }
  show_status("munmap", munmap(target, 700 * PAGE));
}

static void use_syscall(void) {
  errno = 1000;
  char* block = (char*)syscall(SYS_mmap, NULL, 4L * PAGE, USABLE, ANONYMOUS, -1, 0);
  show("syscall(SYS_mmap)", block);
  block[0] = 1;
  show("syscall(SYS_mmap) of nothing",
       (void*)syscall(SYS_mmap, NULL, 0L, USABLE, ANONYMOUS, -1, 0));
  show_status("syscall(SYS_munmap)", (int)syscall(SYS_munmap, block + 3 * PAGE, (long)PAGE));
  show_status("syscall(SYS_munmap) of an odd address", (int)syscall(SYS_munmap, 1L, (long)PAGE));
  show("syscall(SYS_mremap)", (void*)syscall(SYS_mremap, block, 3L * PAGE, (long)PAGE, 0));
  show("syscall(SYS_mremap) to nothing", (void*)syscall(SYS_mremap, block, (long)PAGE, 0L, 0));
}

static volatile sig_atomic_t handled;
static void handle(int signal) {
  (void)signal;
  char* block = map(3);
  munmap(block + PAGE, PAGE);
  munmap(block, 3 * PAGE);
  ++handled;
}

static void* use_small_stack(void* unused) {
  (void)unused;
  for (int i = 0; i < 200; ++i) {
    char* block = map(4);
    block = mremap(block, 4 * PAGE, 9 * PAGE, MREMAP_MAYMOVE);
    munmap(block, 9 * PAGE);
  }
  return NULL;
}

static void* use_many(void* result) {
  unsigned random = (unsigned)(size_t)result + 1;
  char* blocks[40] = {NULL};
  size_t wrong = 0;
  for (int i = 0; i < 4000; ++i) {
    random = random * 1664525u + 1013904223u;
    char** block = &blocks[(random >> 8) % 40];
    if (*block == NULL) {
      *block = map(8);
    } else if (random >> 31) {
      munmap(*block + 3 * PAGE, 2 * PAGE);
      wrong += (*block)[2 * PAGE] != 3 || (*block)[7 * PAGE] != 8;
      munmap(*block, 3 * PAGE);
      munmap(*block + 5 * PAGE, 3 * PAGE);
      *block = NULL;
    } else {
      *block = mremap(*block, 8 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
      wrong += (*block)[7 * PAGE] != 8;
    }
  }
  return (void*)wrong;
}

int main(void) {
  use_family();
  use_syscall();
  signal(SIGUSR1, handle);
  for (int i = 0; i < 50; ++i) {
    raise(SIGUSR1);
  }
  printf("handled: %d\n", (int)handled);
  char* inherited = map(5);
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    inherited = mremap(inherited, 5 * PAGE, 50 * PAGE, MREMAP_MAYMOVE);
    show_pages("inherited", inherited, 5);
    use_family();
    fflush(stdout);
    _exit(3);
  }
  print_child("child", child);
  volatile size_t shared = 0;
  const pid_t other = vfork();
  if (other == 0) {
    char* block = mmap(NULL, PAGE, USABLE, ANONYMOUS, -1, 0);
    shared = block == MAP_FAILED ? 0 : (size_t)block;
    _exit(4);
  }
  print_child("vfork", other);
  show_status("munmap of what a vfork child has mapped", munmap((void*)shared, PAGE));

  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN);
  pthread_t threads[8];
  pthread_create(&threads[0], &attributes, use_small_stack, NULL);
  pthread_join(threads[0], NULL);
  size_t wrong = 0;
  for (size_t i = 0; i < 8; ++i) {
    pthread_create(&threads[i], NULL, use_many, (void*)i);
  }
  for (size_t i = 0; i < 8; ++i) {
    void* result;
    pthread_join(threads[i], &result);
    wrong += (size_t)result;
  }
  printf("wrong: %zu\n", wrong);
  burn_ms(20);
  return 0;
}
