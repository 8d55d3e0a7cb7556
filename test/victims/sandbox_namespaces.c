// SPDX-License-Identifier: Apache-2.0
//
// Other namespaces: unshare of mounts, network, UTS, IPC and pids, and setns back to the old ones.
#include "test/victims/victim.h"
#include <sched.h>
#include <sys/stat.h>

static void enter(const char* name, int fd, int type) {
  printf("setns %s: %s\n", name, setns(fd, type) == 0 ? "done" : strerror(errno));
}

static ino_t root_inode(void) {
  struct stat status = {0};
  stat("/", &status);
  return status.st_ino;
}

int main(void) {
  const int mounts = open("/proc/self/ns/mnt", O_RDONLY);
  const int network = open("/proc/self/ns/net", O_RDONLY);
  burn_ms(30);
  if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC) != 0) {
    skip("needs the right to make namespaces");
  }
  burn_ms(250);
  enter("network", network, CLONE_NEWNET);
  const ino_t root = root_inode();
  enter("mounts", mounts, CLONE_NEWNS);
  if (root_inode() != root) {
    skip("in a chroot, which setns leaves: files are somewhere else from here on");
  }
  printf("pid namespace: %d\n", unshare(CLONE_NEWPID));
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    burn_ms(30);
    printf("process id %d\n", getpid());
    exit(0);
  }
  print_child("first of its namespace", child);
}
