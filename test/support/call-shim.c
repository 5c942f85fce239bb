/*
 * Loaded into server processes by LD_PRELOAD: sends signals just before the Nth system call that
 * changes a file below a directory, or that answers a request; or just after a write.
 *
 * Steered through a file that all processes map (see call-shim.ts, which knows the same layout).
 * Calls are counted over all threads, so a point is exact whichever thread gets there.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define PIDS_COUNT_MAX 32
#define TEXT_BYTES 256

struct control {
  int32_t is_armed;
  /* Only calls of this process count. */
  int32_t pid;
  int32_t signal;
  /* Processes that get the signal besides. */
  int32_t others_count;
  int32_t others[PIDS_COUNT_MAX];
  /* Points that are still to pass; the signal comes at the one that makes it zero. */
  int64_t remaining_count;
  int64_t seen_count;
  /* Only this call counts, such as "fdatasync"; all when empty. */
  char call[TEXT_BYTES];
  /* Only paths that begin with this. */
  char path[TEXT_BYTES];
  /* The call at which the signal came. */
  char fired[2 * TEXT_BYTES];
  /* Whether the signal comes after the call; only writes at an offset count then. */
  int32_t is_after;
};

static struct control *control;

__attribute__((constructor)) static void map_control(void) {
  const char *name = getenv("S3ISH_CALL_SHIM");
  if (name == NULL) return;
  int fd = open(name, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void *at = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (at != MAP_FAILED) control = at;
}

static int is_watched(const char *call) {
  if (control == NULL || !__atomic_load_n(&control->is_armed, __ATOMIC_SEQ_CST)) return 0;
  if (control->pid != getpid()) return 0;
  return control->call[0] == '\0' || strcmp(control->call, call) == 0;
}

static int is_after(void) { return control != NULL && control->is_after; }

static void pass(const char *call, const char *path) {
  __atomic_fetch_add(&control->seen_count, 1, __ATOMIC_SEQ_CST);
  if (__atomic_fetch_sub(&control->remaining_count, 1, __ATOMIC_SEQ_CST) != 1) return;
  snprintf(control->fired, sizeof control->fired, "%s %s", call, path);
  for (int index = 0; index < control->others_count; index += 1) {
    kill(control->others[index], control->signal);
  }
  kill(getpid(), control->signal);
}

static void pass_named(const char *call, const char *path) {
  if (!is_watched(call) || path == NULL) return;
  if (strncmp(path, control->path, strlen(control->path)) == 0) pass(call, path);
}

static void pass_path(const char *call, const char *path) {
  if (!is_after()) pass_named(call, path);
}

static void pass_open(const char *call, int fd) {
  if (!is_watched(call)) return;
  char link[64], path[2 * TEXT_BYTES];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t count = readlink(link, path, sizeof path - 1);
  if (count < 0) return;
  path[count] = '\0';
  pass_named(call, path);
}

static void pass_file(const char *call, int fd) {
  if (!is_after()) pass_open(call, fd);
}

static void pass_written(const char *call, int fd) {
  if (is_after()) pass_open(call, fd);
}

static void pass_answer(const void *bytes, size_t count) {
  if (!is_after() && is_watched("answer") && count > 9 && memcmp(bytes, "HTTP/1.1 ", 9) == 0) pass("answer", "");
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* Both names of a call whose offsets are 64 bits wide. */
#define OPEN(name)                                                            \
  int name(const char *path, int flags, ...) {                                \
    va_list list;                                                             \
    va_start(list, flags);                                                    \
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(list, mode_t) : 0;          \
    va_end(list);                                                             \
    if ((flags & O_CREAT) != 0) pass_path("open", path);                      \
    return NEXT(name)(path, flags, mode);                                     \
  }
#define PWRITE(name, off_type)                                                \
  ssize_t name(int fd, const void *bytes, size_t count, off_type offset) {    \
    pass_file("write", fd);                                                   \
    ssize_t written = NEXT(name)(fd, bytes, count, offset);                   \
    pass_written("write", fd);                                                \
    return written;                                                           \
  }
#define PWRITEV(name, off_type)                                               \
  ssize_t name(int fd, const struct iovec *parts, int count, off_type offset) { \
    pass_file("write", fd);                                                   \
    ssize_t written = NEXT(name)(fd, parts, count, offset);                   \
    pass_written("write", fd);                                                \
    return written;                                                           \
  }
#define ON_FILE(name)                                                         \
  int name(int fd) {                                                          \
    pass_file(#name, fd);                                                     \
    return NEXT(name)(fd);                                                    \
  }
#define ON_PATH(name)                                                         \
  int name(const char *path) {                                                \
    pass_path(#name, path);                                                   \
    return NEXT(name)(path);                                                  \
  }
#define ON_PATHS(name)                                                        \
  int name(const char *from, const char *to) {                                \
    pass_path(#name, to);                                                     \
    return NEXT(name)(from, to);                                              \
  }

OPEN(open)
OPEN(open64)
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)
PWRITEV(pwritev, off_t)
PWRITEV(pwritev64, off64_t)
ON_FILE(fsync)
ON_FILE(fdatasync)
ON_PATH(rmdir)
ON_PATH(unlink)
ON_PATHS(link)
ON_PATHS(rename)

int mkdir(const char *path, mode_t mode) {
  pass_path("mkdir", path);
  return NEXT(mkdir)(path, mode);
}

ssize_t write(int fd, const void *bytes, size_t count) {
  pass_file("write", fd);
  return NEXT(write)(fd, bytes, count);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  pass_file("write", fd);
  return NEXT(writev)(fd, parts, count);
}

ssize_t send(int fd, const void *bytes, size_t count, int flags) {
  pass_answer(bytes, count);
  return NEXT(send)(fd, bytes, count, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  if (message->msg_iovlen > 0) {
    pass_answer(message->msg_iov[0].iov_base, message->msg_iov[0].iov_len);
  }
  return NEXT(sendmsg)(fd, message, flags);
}
