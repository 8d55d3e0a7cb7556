// SPDX-License-Identifier: Apache-2.0
//
// The file of a library is cut and made whole again all the time while its code runs, behind what is
// mapped of it: whoever maps its symbols or its debug information, too, is killed by SIGBUS.
#include "test/victims/victim.h"
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>

static volatile int done;
static char contents[1 << 20];
static ssize_t whole;
static off_t needed;

static int find_needed(struct dl_phdr_info* object, size_t size, void* path) {
  (void)size;
  if (strcmp(object->dlpi_name, path) != 0) {
    return 0;
  }
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)* segment = &object->dlpi_phdr[i];
    const off_t end = (off_t)(segment->p_offset + segment->p_filesz);
    if (segment->p_type == PT_LOAD && end > needed) {
      needed = end;
    }
  }
  return 1;
}

static void* cut_until_done(void* path) {
  const int file = open(path, O_WRONLY | O_CLOEXEC);
  while (!done) {
    ftruncate(file, needed);
    usleep(2000);
    pwrite(file, contents + needed, (size_t)(whole - needed), needed);
    usleep(2000);
  }
  close(file);
  return NULL;
}

int main(int argc, char** argv) {
  int file = open(argv[argc - 1], O_RDONLY);
  whole = read(file, contents, sizeof contents);
  close(file);
  file = open("./cut.so", O_WRONLY | O_CREAT, 0700);
  write(file, contents, (size_t)whole);
  close(file);
  char path[] = "./cut.so";
  void* library = dlopen(path, RTLD_NOW);
  dl_iterate_phdr(find_needed, path);
  if (library == NULL || needed == 0 || needed >= whole) {
    printf("not as it should be: %s\n", dlerror());
    return 1;
  }
  pthread_t thread;
  pthread_create(&thread, NULL, cut_until_done, path);
  long (*work)(long) = (long (*)(long))dlsym(library, "plugin_work");
  long sum = 0;
  for (int i = 0; i < 1500; ++i) {
    sum += work(300000);
  }
  done = 1;
  pthread_join(thread, NULL);
  printf("%ld\n", sum);
}
