/* Holds fsync and fdatasync back while the file named by STALL_FILE exists: a disk that hangs. With FSYNC_DELAY_MS each
 * of them takes so long: a slow disk. FSYNC_DELAY_FILE names a file that holds the delay, read each time: a disk that
 * becomes slow. Loaded with LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void wait_while_stalled(void) {
  const char *file = getenv("STALL_FILE");
  while (file != NULL && access(file, F_OK) == 0) usleep(2000);
  const char *delay = getenv("FSYNC_DELAY_MS");
  unsigned milliseconds = delay == NULL ? 0 : (unsigned)atoi(delay);
  const char *delay_file = getenv("FSYNC_DELAY_FILE");
  FILE *opened = delay_file == NULL ? NULL : fopen(delay_file, "r");
  if (opened != NULL) {
    if (fscanf(opened, "%u", &milliseconds) != 1) milliseconds = 0;
    fclose(opened);
  }
  for (; milliseconds >= 1000; milliseconds -= 1000) usleep(999999);
  if (milliseconds > 0) usleep(milliseconds * 1000);
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
