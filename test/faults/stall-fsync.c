/* Holds fsync and fdatasync back while the file named by STALL_FILE exists: a disk that hangs. With FSYNC_DELAY_MS each
 * of them takes so long: a slow disk. Loaded with LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static void wait_while_stalled(void) {
  const char *file = getenv("STALL_FILE");
  while (file != NULL && access(file, F_OK) == 0) usleep(2000);
  const char *delay = getenv("FSYNC_DELAY_MS");
  if (delay != NULL) usleep((unsigned)atoi(delay) * 1000);
}

int fsync(int fd) {
  static int (*real)(int);
  if (real == NULL) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  wait_while_stalled();
  return real(fd);
}

int fdatasync(int fd) {
  static int (*real)(int);
  if (real == NULL) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  wait_while_stalled();
  return real(fd);
}
